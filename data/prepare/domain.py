"""One shop: raw files to a processed domain folder."""

import logging
import os
import shutil
from pathlib import Path
from typing import Literal

from data.files import one_writer, sha256
from data.prepare.engine import Engine, Kind, check_engine, open_engine
from data.prepare.filter import best_entries, filter_interactions, number_domain
from data.prepare.histories import Layout, history_files
from data.prepare.manifest import Manifest
from data.prepare.output import check_apart, output_folder
from data.prepare.raw import read_raw
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
    engine: Kind = "duckdb",
    master: str | None = None,
    memory_limit: str | None = "2GB",
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
        layout: compact (one line a user), published (prefix files as MMM4Rec publishes them), both, or parquet
            (compact, as parts of about four million interactions; for the largest shops).
        catalogue: items that get an id: the interacted ones, or all that metadata know (for cold start).
        template: text of an item, over {title} {brand} {category} {description}.
        columns: yaml that names columns: user, item, time; where wanted unit (s, ms, us, ns, date), rating, entry
            (the item's column in the metadata, if another), title, brand, category, description, image.
        overwrite: replace a folder that was prepared differently, with all that is in it.
        engine: duckdb (this machine, on disk where memory ends) or spark (a cluster; pip install '.[spark]', Java
            17). The result is the same to the byte.
        master: of Spark: local[4], spark://host:7077, yarn, …; null: local[*]. All its machines must see `out`'s
            parent folder under the same path.
        memory_limit: of DuckDB, as 4GB; beyond it, it works on disk, and all else takes about 1 GB more. Of Spark's
            driver. null: as the engine likes (DuckDB: 80 % of the machine).
        threads: of DuckDB, which reads the raw files for both engines; null: one a core.

    Raises:
        ValueError: bad input (with file and line), nothing left after filtering, or an existing folder
            that was prepared differently.
    """
    check_template(template)
    if core < 1:
        raise ValueError(f"core {core}: it must be at least 1 (which keeps everything).")
    check_engine(engine, memory_limit, threads, master)
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
            events, entries = read_raw(files, template, work, memory_limit, threads)
            with open_engine(engine, work, memory_limit, threads, master) as running:
                image = ImagePaths(files.images, out, pictures)
                _build(running, files, events, entries, folder, manifest, image)
            shutil.rmtree(work)
    logger.info("%s: %d users, %d items, %d interactions", out, manifest.users, manifest.items, manifest.interactions)


def _build(
    engine: Engine, files: RawFiles, raw: Path, metadata: Path, folder: Path, manifest: Manifest, image: ImagePaths
) -> None:
    """Run every step in the engine and write every file of the folder."""
    options = manifest.options
    entries = engine.table(metadata)
    catalogue = best_entries(engine, entries)
    keys, events, manifest.steps = filter_interactions(engine, files, raw, catalogue, options["core"])
    numbered = number_domain(engine, events, keys, catalogue, options["catalogue"] == "metadata")
    write_ids(engine, numbered, folder, manifest)
    write_items(engine, numbered.items, catalogue, entries, image, folder)
    write_histories(engine, numbered.events, folder, manifest)
    manifest.write(folder)


def _inputs(files: RawFiles, pictures: set[str]) -> dict[str, str]:
    digests = {path.name: sha256(path) for path in files.paths()}
    return digests | ({"images/": names_digest(pictures)} if pictures else {})
