"""Rows ``[user, [[item, timestamp], …]]`` of a history file as checked columns, a block at a time.

Shapes: R rows in the block, E events in the block.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import bad
from data.parse_rows import parse_plain
from data.raw.jsonl import parse_line, read_blocks

Ints = NDArray[np.int64]

_AGAIN = "Mend the line, or prepare the domain again"
_BLOCK = 1 << 20  # bytes


@dataclass(frozen=True, eq=False)
class Rows:
    """A block of rows.

    Attributes:
        lines: line numbers from 1, ``(R,)``.
        users: user ids, ``(R,)``.
        offsets: row r holds the events ``offsets[r]:offsets[r+1]``, ``(R+1,)``.
        items: item ids, ``(E,)``.
        timestamps: seconds, ``(E,)``.
    """

    lines: Ints
    users: Ints
    offsets: Ints
    items: Ints
    timestamps: Ints

    @property
    def lengths(self) -> Ints:
        """Events a row, ``(R,)``."""
        return np.diff(self.offsets)

    def take(self, keep: NDArray[np.bool_]) -> "Rows":
        """The rows where ``keep (R,)`` is true."""
        events = np.repeat(keep, self.lengths)
        offsets = np.concatenate([[0], np.cumsum(self.lengths[keep])])
        return Rows(self.lines[keep], self.users[keep], offsets, self.items[events], self.timestamps[events])


def read_rows(path: Path, n_items: int, block: int = _BLOCK) -> Iterator[Rows]:
    """Read a history file in blocks of about ``block`` bytes: constant memory however large the file.

    Raises:
        ValueError: a line is malformed, an id out of range, a timestamp not an integer or going backwards;
            the message names the file and the line.
    """
    for first, text in read_blocks(path, block):
        parsed = parse_plain(text)
        if parsed is None:
            rows = _parse_each(path, first, text)
        else:
            rows = _rows(np.arange(first, first + len(parsed.users)), *parsed)
        check_rows(path, n_items, rows)
        yield rows


def _rows(lines_R: Ints, users_R: Ints, lengths_R: Ints, pairs_E2: Ints) -> Rows:
    offsets = np.concatenate([[0], np.cumsum(lengths_R)])
    return Rows(lines_R, users_R, offsets, pairs_E2[:, 0].copy(), pairs_E2[:, 1].copy())


def _parse_each(path: Path, first: int, text: bytes) -> Rows:
    """Line by line: blank lines are left out, and the first wrong one is told."""
    lines: list[int] = []
    users: list[int] = []
    pairs: list[list[Any]] = []
    for number, line in enumerate(text.split(b"\n"), first):
        if not line.strip():
            continue
        row = parse_line(path, number, line)
        _check_row(path, number, row)
        lines.append(number)
        users.append(row[0])
        pairs.append(row[1])
    lengths = [len(row) for row in pairs]
    events = np.array(list(chain.from_iterable(pairs)), np.int64).reshape(-1, 2)
    return _rows(np.array(lines, np.int64), np.array(users, np.int64), np.array(lengths, np.int64), events)


def _check_row(path: Path, line: int, row: Any) -> None:
    if not (isinstance(row, list) and len(row) == 2 and type(row[0]) is int and isinstance(row[1], list)):
        raise bad(path, "a row is not [user, [[item, timestamp], …]]", _AGAIN, line)
    if not row[1] or row[0] < 0:
        raise bad(path, f"user {row[0]} has {len(row[1])} events; a row needs one, and ids from 0", _AGAIN, line)
    if row[0] >= 2**63:
        raise bad(path, f"user id {row[0]} does not fit 64 bits", _AGAIN, line)
    for pair in row[1]:
        if not (isinstance(pair, list) and len(pair) == 2 and all(type(part) is int for part in pair)):
            raise bad(path, f"{pair!r} is not [item id, timestamp in whole seconds]", _AGAIN, line)
        if max(abs(part) for part in pair) >= 2**63:
            raise bad(path, f"{pair!r} does not fit 64 bits", _AGAIN, line)


def check_rows(path: Path, n_items: int, rows: Rows) -> None:
    """Refuse ids out of range, negative timestamps and those that go backwards, with the line; see ``read_rows``."""
    outside = (rows.items < 1) | (rows.items > n_items)
    backwards = np.diff(rows.timestamps, prepend=rows.timestamps[:1]) < 0
    backwards[rows.offsets[:-1]] = False
    for wrong, what in (
        (outside, f"an item id is outside 1 … {n_items} of item2id.jsonl"),
        (rows.timestamps < 0, "a timestamp is negative"),
        (backwards, "timestamps go backwards; a history is oldest first"),
    ):
        if wrong.any():
            row = int(np.searchsorted(rows.offsets, int(wrong.argmax()), side="right")) - 1
            raise bad(path, what, _AGAIN, int(rows.lines[row]))
