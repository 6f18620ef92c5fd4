"""A processed domain folder as one shop of a merge: its ids, items and histories, read in a stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import bad
from data.ids import read_ids
from data.parts import part_files, read_parts
from data.raw.jsonl import read_jsonl
from data.rows import Rows, read_rows

HISTORIES = ("histories.jsonl", "test_seq.jsonl")
AGAIN = "Prepare the domain again, with --overwrite true"


@dataclass(frozen=True)
class Shop:
    """A processed domain; its keys are kept apart from other shops' by its name."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.resolve().name

    def key(self, raw: str) -> str:
        """An item's or user's key in the merged domain, ``<Domain>/<raw>``."""
        return f"{self.name}/{raw}"

    def inputs(self) -> list[Path]:
        """Files that a merge reads, features left out."""
        names = ["item2id.jsonl", "user2id.jsonl", "item.jsonl"]
        return [path for name in names if (path := self.folder / name).is_file()] + self.history_files()

    def history_files(self) -> list[Path]:
        """The files of whole histories: the compact one, else the published test file, else the Parquet parts.

        Raises:
            ValueError: there are none.
        """
        for name in HISTORIES:
            if (self.folder / name).is_file():
                return [self.folder / name]
        if parts := part_files(self.folder):
            return parts
        told = f"there is neither {', '.join(HISTORIES)} nor histories/*.parquet"
        raise bad(self.folder, told, "Prepare the domain again")

    def keys(self, table: str, first: int) -> Iterator[str]:
        """The raw keys of ``item2id.jsonl`` (``first`` 1) or ``user2id.jsonl`` (0); see ``read_ids``."""
        return read_ids(self.folder / table, first)

    def items(self) -> Iterator[dict[str, Any]]:
        """Rows of ``item.jsonl`` in id order; bare ones where a published folder has none.

        Raises:
            ValueError: the rows are not those of ``item2id.jsonl``.
        """
        path = self.folder / "item.jsonl"
        keys = self.keys("item2id.jsonl", 1)
        if not path.is_file():
            yield from ({"item": key, "title": "", "text": "", "image": None} for key in keys)
            return
        line = 0
        for line, row in read_jsonl(path):
            wanted = next(keys, None)
            if wanted is None or not isinstance(row, dict) or row.get("item") != wanted:
                raise bad(path, f"the row is not that of item {wanted}", AGAIN, line)
            yield row
        if next(keys, None) is not None:
            raise bad(path, "items are missing at its end", AGAIN, line)

    def histories(self, users: int, items: int) -> Iterator[Rows]:
        """Blocks of histories, in user order.

        Args:
            users: number of users.
            items: number of items.

        Raises:
            ValueError: ids out of range or out of order, timestamps going backwards or not integers.
        """
        files, last = self.history_files(), -1
        path = files[0]
        for rows in read_parts(files, items) if path.suffix == ".parquet" else read_rows(path, items):
            before = np.append(last, rows.users[:-1])
            wrong = (rows.users <= before) | (rows.users >= users)
            if wrong.any():
                first = int(wrong.argmax())
                what = f"user id {rows.users[first]} is not between {before[first] + 1} and {users - 1}"
                raise bad(path, what, AGAIN, int(rows.lines[first]))
            last = int(rows.users[-1]) if len(rows.users) else last
            yield rows
