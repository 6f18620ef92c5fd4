"""Histories to files: the compact layout and the published prefix layout, a user at a time."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import orjson

Layout = Literal["compact", "published", "both"]
Split = Literal["leave_one_out", "pretrain"]


def history_files(layout: Layout, split: Split) -> list[str]:
    """Names of the history files that a layout has."""
    published = ["train_seq.jsonl"] + (["eval_seq.jsonl", "test_seq.jsonl"] if split == "leave_one_out" else [])
    compact = ["histories.jsonl"]
    return {"compact": compact, "published": published, "both": compact + published}[layout]


class HistoryWriter:
    """Writes users one by one, in id order, and counts as it goes.

    - ``histories.jsonl``: the whole history, one line a user.
    - ``train_seq.jsonl``: every prefix of length 2 … n-2 (pretrain: 2 … n), ascending.
    - ``eval_seq.jsonl``: all but the last; left out where nothing would remain before its label.
    - ``test_seq.jsonl``: the whole history.
    """

    def __init__(self, folder: Path, layout: Layout, split: Split) -> None:
        self.users = self.interactions = self.repeats = 0
        self._split = split
        self._stack = ExitStack()
        self._files = {
            name: self._stack.enter_context((folder / name).open("wb", buffering=1 << 20))
            for name in history_files(layout, split)
        }

    def __enter__(self) -> "HistoryWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def repeat_rate(self) -> float:
        """Share of interactions whose item the user had before."""
        return self.repeats / self.interactions if self.interactions else 0.0

    def write(self, user: int, pairs_N2: np.ndarray[Any, np.dtype[np.int64]]) -> None:
        """Write one user's ``[[item_id, timestamp], …]``, oldest first."""
        length = len(pairs_N2)
        self.users += 1
        self.interactions += length
        self.repeats += length - len(set(pairs_N2[:, 0].tolist()))
        pairs = orjson.dumps(np.ascontiguousarray(pairs_N2), option=orjson.OPT_SERIALIZE_NUMPY)
        for name in ("histories.jsonl", "test_seq.jsonl"):
            self._line(name, user, pairs)
        if "train_seq.jsonl" in self._files:
            self._prefixes(user, pairs, length)

    def _prefixes(self, user: int, pairs: bytes, length: int) -> None:
        # `pairs` is [[i,t],[i,t]]: the prefix of k pairs ends behind the k-th closing bracket.
        ends = np.flatnonzero(np.frombuffer(pairs, np.uint8) == ord("]"))[:length] + 1
        last = length if self._split == "pretrain" else length - 2
        for end in ends[1 : max(last, 0)].tolist():
            self._line("train_seq.jsonl", user, pairs[:end] + b"]")
        if length > 2:
            self._line("eval_seq.jsonl", user, pairs[: ends[-2]] + b"]")

    def _line(self, name: str, user: int, pairs: bytes) -> None:
        if name in self._files:
            self._files[name].write(b"[%d,%b]\n" % (user, pairs))


def by_user(batches: Iterable[Any]) -> Iterator[tuple[int, np.ndarray[Any, np.dtype[np.int64]]]]:
    """Cut Arrow batches (user_id, item_id, timestamp; sorted by user) into users.

    Yields:
        The user id and its pairs (n, 2) of item id and timestamp; a batch at a time is in memory.
    """
    rest = np.empty((0, 3), np.int64)
    for batch in batches:
        columns = [batch.column(name).to_numpy(zero_copy_only=False) for name in ("user_id", "item_id", "timestamp")]
        rows = np.concatenate([rest, np.stack(columns, axis=1)])
        cuts = [0, *(np.flatnonzero(np.diff(rows[:, 0])) + 1).tolist()]
        for start, end in pairwise(cuts):
            yield int(rows[start, 0]), rows[start:end, 1:]
        rest = rows[cuts[-1] :]
    if len(rest):
        yield int(rest[0, 0]), rest[:, 1:]
