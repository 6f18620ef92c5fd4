"""A numbered domain out of the engine into the files of a processed folder, streaming."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.prepare.engine import Engine
from data.prepare.histories import HistoryWriter, by_user
from data.prepare.ids import Numbered
from data.prepare.manifest import Manifest
from data.raw.find import picture_of
from data.raw.jsonl import write_jsonl

TABLES = ["item2id.jsonl", "user2id.jsonl", "item.jsonl"]


class ImagePaths:
    """Path of an item's picture, relative to the processed folder."""

    def __init__(self, images: Path, out: Path, names: set[str]) -> None:
        self._base, self._names = os.path.relpath(images.resolve(), out.resolve()), names

    def __call__(self, item: str) -> str | None:
        """The path, or ``None`` where there is no picture."""
        name = picture_of(item, self._names)
        return None if name is None else f"{self._base}/{name}"


def write_ids(engine: Engine, numbered: Numbered, folder: Path, manifest: Manifest) -> None:
    """Write ``user2id.jsonl`` and ``item2id.jsonl``, in id order."""
    write_jsonl(folder / "user2id.jsonl", _rows(engine, numbered.users, "user_id", "user", "user_id"))
    items = write_jsonl(folder / "item2id.jsonl", _rows(engine, numbered.items, "item_id", "item", "item_id"))
    manifest.items = items


def write_items(engine: Engine, items: Any, catalogue: Any, entries: Any, image: ImagePaths, folder: Path) -> None:
    """Write ``item.jsonl``, in id order, from each item's best metadata entry."""
    best = entries.semi_join(catalogue, ["item", "priority"])
    told = _rows(engine, items.join(best, "item"), "item_id", "item", "title", "text")
    rows = ({"item": item, "title": title, "text": text, "image": image(item)} for item, title, text in told)
    write_jsonl(folder / "item.jsonl", rows)


def write_histories(engine: Engine, events: Any, folder: Path, manifest: Manifest) -> None:
    """Write the history files of the manifest's layout, and note their sizes there."""
    batches = engine.batches(events, "place", "user_id", "item_id", "timestamp")
    with HistoryWriter(folder, manifest.options["layout"], manifest.split) as writer:
        for rows in by_user(batches):
            writer.write(rows)
    manifest.count(writer)


def _rows(engine: Engine, table: Any, by: str, *columns: str) -> Iterator[tuple[Any, ...]]:
    for batch in engine.batches(table, by, *columns):
        yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
