"""Several processed domains to the one that a backbone is pretrained on."""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.files import one_writer, sha256
from data.prepare.histories import HistoryWriter, Layout, history_files
from data.prepare.manifest import Manifest, Step
from data.prepare.merge_features import MODALITIES, feature_file, merge_features
from data.prepare.output import check_apart, output_folder
from data.prepare.shops import Shop
from data.prepare.write import TABLES
from data.raw.jsonl import write_jsonl

logger = logging.getLogger(__name__)


def merge_domains(domains: list[Path], out: Path, layout: Layout = "compact", overwrite: bool = False) -> None:
    """Merge processed domains into one pretraining domain; shops share neither users nor items.

    Keys become <Domain>/<key>, ids follow one another shop by shop in the order given. Features are
    concatenated where every shop has them from the same encoder, with the same options and dim.

    Args:
        domains: processed domain folders, each of another name.
        out: merged domain folder to write.
        layout: compact (one line a user), published (every prefix in train_seq.jsonl), both, or parquet.
        overwrite: replace a folder that was made differently, with all that is in it.

    Raises:
        ValueError: bad input (with file and line), a shop given twice, features that differ, or an existing
            folder that was made differently.
    """
    shops = [Shop(folder) for folder in domains]
    _check_names(shops)
    check_apart(out, domains)
    base = out.resolve()
    options = {"domains": [os.path.relpath(shop.folder.resolve(), base) for shop in shops], "layout": layout}
    names = [*TABLES, *history_files(layout, "pretrain")]
    with one_writer(out):
        manifest = Manifest(base.name, "merged", "pretrain", options, _inputs(shops))
        with output_folder(out, manifest, names, overwrite) as folder:
            if folder is None:
                return
            write_jsonl(folder / "item.jsonl", _items(shops, base))
            _histories(shops, folder, manifest)
            merge_features(shops, folder)
            manifest.write(folder)
    logger.info("%s: %d users, %d items, %d interactions", out, manifest.users, manifest.items, manifest.interactions)


def _check_names(shops: Sequence[Shop]) -> None:
    if not shops:
        raise ValueError("domains: name at least one processed domain folder.")
    seen: dict[str, Path] = {}
    for shop in shops:
        if not shop.folder.is_dir():
            raise ValueError(f"{shop.folder}: there is no such folder. Prepare the domain first.")
        if shop.name in seen:
            raise ValueError(
                f"{shop.folder}: a shop named {shop.name} is there already ({seen[shop.name]}). "
                "Give each shop once, in folders of different names."
            )
        seen[shop.name] = shop.folder


def _inputs(shops: Sequence[Shop]) -> dict[str, str]:
    digests = {}
    for shop in shops:
        features = [file for modality in MODALITIES if (file := feature_file(shop, modality))]
        for file in [*shop.inputs(), *features]:
            digests[f"{shop.name}/{file.relative_to(shop.folder)}"] = sha256(file)
    return digests


def _items(shops: Sequence[Shop], out: Path) -> Iterator[dict[str, Any]]:
    """Rows of item.jsonl, with picture paths relative to ``out``."""
    for shop in shops:
        base = os.path.relpath(shop.folder.resolve(), out)
        for row in shop.items():
            image = row.get("image")
            moved = None if image is None else os.path.normpath(f"{base}/{image}")
            yield {"item": shop.key(row["item"]), "title": row["title"], "text": row["text"], "image": moved}


def _histories(shops: Sequence[Shop], folder: Path, manifest: Manifest) -> None:
    """Write ids and histories with each shop's ids behind those of the shops before it."""
    items = _sizes(shops, "item2id.jsonl", 1, folder)
    users = _sizes(shops, "user2id.jsonl", 0, folder)
    with HistoryWriter(folder, manifest.options["layout"], manifest.split) as writer:
        for shop, item_count, user_count in zip(shops, items, users, strict=True):
            before, first_user = writer.interactions, sum(step.users for step in manifest.steps)
            for rows in shop.histories(user_count, item_count):
                writer.write(replace(rows, users=rows.users + first_user, items=rows.items + manifest.items))
            manifest.items += item_count
            manifest.steps.append(Step(shop.name, user_count, item_count, writer.interactions - before))
    manifest.count(writer)


def _sizes(shops: Sequence[Shop], table: str, first: int, folder: Path) -> list[int]:
    """Write the merged id table; returns how many ids each shop has."""
    sizes: list[int] = []

    def rows() -> Iterator[tuple[str, int]]:
        new = first
        for shop in shops:
            start = new
            for key in shop.keys(table, first):
                yield shop.key(key), new
                new += 1
            sizes.append(new - start)

    write_jsonl(folder / table, rows())
    return sizes
