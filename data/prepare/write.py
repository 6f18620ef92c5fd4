"""A numbered domain out of the database into the files of a processed folder, streaming."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def write_ids(con: Any, numbered: Numbered, folder: Path, manifest: Manifest) -> None:
    """Write ``user2id.jsonl`` and ``item2id.jsonl``, in id order."""
    users, items = numbered.users.order_by("user_id"), numbered.items.order_by("item_id")
    write_jsonl(folder / "user2id.jsonl", _rows(con, users, "user", "user_id"))
    manifest.items = write_jsonl(folder / "item2id.jsonl", _rows(con, items, "item", "item_id"))


def write_items(con: Any, items: Any, catalogue: Any, entries: Any, image: ImagePaths, folder: Path) -> None:
    """Write ``item.jsonl``, in id order, from each item's best metadata entry."""
    best = entries.semi_join(catalogue, ["item", "priority"])
    told = items.join(best, "item").order_by("item_id")
    rows = (
        {"item": item, "title": title, "text": text, "image": image(item)}
        for item, title, text in _rows(con, told, "item", "title", "text")
    )
    write_jsonl(folder / "item.jsonl", rows)


def write_histories(con: Any, events: Any, folder: Path, manifest: Manifest) -> None:
    """Write the history files of the manifest's layout, and note their sizes there."""
    batches = con.to_pyarrow_batches(events.order_by("place").select("user_id", "item_id", "timestamp"))
    with HistoryWriter(folder, manifest.options["layout"], manifest.split) as writer:
        for user, pairs_N2 in by_user(batches):
            writer.write(user, pairs_N2)
    manifest.count(writer)


def _rows(con: Any, table: Any, *columns: str) -> Iterator[tuple[Any, ...]]:
    for batch in con.to_pyarrow_batches(table.select(*columns), chunk_size=100_000):
        yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
