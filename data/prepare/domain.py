"""One shop: raw files to a processed domain folder."""

import logging
import os
import shutil
from pathlib import Path
from typing import Any, Literal

from data.files import one_writer, sha256
from data.prepare.engine import engine
from data.prepare.filter import filter_interactions, load_metadata, number_domain
from data.prepare.histories import Layout, history_files
from data.prepare.manifest import Manifest
from data.prepare.output import check_apart, output_folder
from data.prepare.write import TABLES, ImagePaths, write_histories, write_ids, write_items
from data.raw.find import RawFiles, find_raw, names_digest, picture_names
from data.raw.layouts.columns import read_columns
from data.raw.template import DEFAULT_TEMPLATE, check_template

logger = logging.getLogger(__name__)


def prepare_domain(
    raw: Path,
    out: Path,
    core: int = 5,
    layout: Layout = "compact",
    catalogue: Literal["interacted", "metadata"] = "interacted",
    template: str = DEFAULT_TEMPLATE,
    columns: Path | None = None,
    overwrite: bool = False,
    memory_limit: str | None = "4GB",
    threads: int | None = None,
) -> None:
    """Prepare one shop: raw interactions with metadata to a processed domain folder.

    The two files are told by their first lines, whatever their names: Amazon 2014, 2018 and 2023, RecBole's
    atomic files, and with `columns` any CSV, Parquet or JSON lines; plain, gzip or zstd.

    Exact duplicates (same user, item and timestamp) are dropped, then items without metadata, then, until
    none is left, users with fewer than `core` different items and items with fewer than `core` different
    users. Users are numbered by their raw key, items in the order of first appearance. A folder made before
    from the same input with the same options is reused.

    Args:
        raw: folder with one file of interactions, one of metadata, and pictures images/<item>.jpg where there
            are any.
        out: processed domain folder to write; its name is the domain's name.
        core: least number of different items of every user, and of different users of every item; 1 keeps all.
        layout: compact (one line a user), published (prefix files as MMM4Rec publishes them), or both.
        catalogue: items that get an id: the interacted ones, or all that metadata know (for cold start).
        template: text of an item, over {title} {brand} {category} {description}.
        columns: yaml that names columns: user, item, time; where wanted unit (s, ms, us, ns, date), rating, entry
            (the item's column in the metadata, if another), title, brand, category, description, image.
        overwrite: replace a folder that was prepared differently, with all that is in it.
        memory_limit: of the database, as 4GB; beyond it, it works on disk. null: 80 % of the machine.
        threads: of the database; null: one a core. The result does not depend on it.

    Raises:
        ValueError: bad input (with file and line), nothing left after filtering, or an existing folder
            that was prepared differently.
    """
    check_template(template)
    if core < 1:
        raise ValueError(f"core {core}: it must be at least 1 (which keeps everything).")
    named = None if columns is None else read_columns(columns)
    files = find_raw(raw, named)
    check_apart(out, [raw])
    options = {"raw": os.path.relpath(raw.resolve(), out.resolve()), "core": core, "layout": layout}
    options |= {"catalogue": catalogue, "template": template}
    if named is not None:
        options["columns"] = named.recipe()
    names = [*TABLES, *history_files(layout, "leave_one_out")]
    with one_writer(out):
        pictures = picture_names(files.images)
        manifest = Manifest(out.resolve().name, "domain", "leave_one_out", options, _inputs(files, pictures))
        manifest.layouts = files.layouts()
        with output_folder(out, manifest, names, overwrite) as folder:
            if folder is None:
                return
            work = folder / ".work"
            work.mkdir()
            with engine(work, memory_limit, threads) as con:
                _build(con, files, folder, work, manifest, ImagePaths(files.images, out, pictures))
            shutil.rmtree(work)
    logger.info("%s: %d users, %d items, %d interactions", out, manifest.users, manifest.items, manifest.interactions)


def _build(con: Any, files: RawFiles, folder: Path, work: Path, manifest: Manifest, image: ImagePaths) -> None:
    """Run every step in the database and write every file of the folder."""
    options = manifest.options
    catalogue, entries = load_metadata(con, files, options["template"], work)
    events, manifest.steps = filter_interactions(con, files, catalogue, options["core"], work)
    numbered = number_domain(con, events, catalogue, options["catalogue"] == "metadata")
    write_ids(con, numbered, folder, manifest)
    write_items(con, numbered.items, catalogue, entries, image, folder)
    write_histories(con, numbered.events, folder, manifest)
    manifest.write(folder)


def _inputs(files: RawFiles, pictures: set[str]) -> dict[str, str]:
    digests = {path.name: sha256(path) for path in files.paths()}
    return digests | ({"images/": names_digest(pictures)} if pictures else {})
