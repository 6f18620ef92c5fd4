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
from data.raw.jsonl import read_jsonl

Ints = NDArray[np.int64]

_AGAIN = "Mend the line, or prepare the domain again"
_BLOCK = 1 << 18


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
    """Read a history file in blocks of about ``block`` events: constant memory however large the file.

    Raises:
        ValueError: a line is malformed, an id out of range, a timestamp not an integer or going backwards;
            the message names the file and the line.
    """
    lines: list[int] = []
    users: list[int] = []
    pairs: list[list[Any]] = []
    events = 0
    for line, row in read_jsonl(path):
        if not (isinstance(row, list) and len(row) == 2 and type(row[0]) is int and isinstance(row[1], list)):
            raise bad(path, "a row is not [user, [[item, timestamp], …]]", _AGAIN, line)
        if not row[1] or row[0] < 0:
            raise bad(path, f"user {row[0]} has {len(row[1])} events; a row needs one, and ids from 0", _AGAIN, line)
        if row[0] >= 2**63:
            raise bad(path, f"user id {row[0]} does not fit 64 bits", _AGAIN, line)
        lines.append(line)
        users.append(row[0])
        pairs.append(row[1])
        events += len(row[1])
        if events >= block:
            yield _columns(path, n_items, lines, users, pairs)
            lines, users, pairs, events = [], [], [], 0
    if lines:
        yield _columns(path, n_items, lines, users, pairs)


def _columns(path: Path, n_items: int, lines: list[int], users: list[int], pairs: list[list[Any]]) -> Rows:
    together = list(chain.from_iterable(pairs))
    try:
        events = np.array(together)
    except ValueError:  # pairs of different lengths
        events = np.empty(0)
    if events.ndim != 2 or events.shape[1] != 2 or events.dtype != np.int64 or _has_bool(together):
        raise _first_bad_pair(path, lines, pairs)
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in pairs])]).astype(np.int64)
    rows = Rows(np.array(lines), np.array(users), offsets, events[:, 0].copy(), events[:, 1].copy())
    _check(path, n_items, rows)
    return rows


def _has_bool(together: list[Any]) -> bool:
    return bool in set(map(type, chain.from_iterable(together)))  # numpy takes true for 1 among integers


def _check(path: Path, n_items: int, rows: Rows) -> None:
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


def _first_bad_pair(path: Path, lines: list[int], pairs: list[list[Any]]) -> ValueError:
    for line, row in zip(lines, pairs, strict=True):
        for pair in row:
            if not (isinstance(pair, list) and len(pair) == 2 and all(type(part) is int for part in pair)):
                return bad(path, f"{pair!r} is not [item id, timestamp in whole seconds]", _AGAIN, line)
            if max(abs(part) for part in pair) >= 2**63:
                return bad(path, f"{pair!r} does not fit 64 bits", _AGAIN, line)
    raise AssertionError("the block was refused, yet every pair is fine")
