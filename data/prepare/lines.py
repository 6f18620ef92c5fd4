"""Histories into lines of JSON: the compact file, and the published prefix files.

Shapes: E events in a block.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import numpy as np
import orjson

from data.rows import Rows


class Lines:
    """Writes the files named, of these:

    - ``histories.jsonl``: the whole history, one line a user.
    - ``train_seq.jsonl``: every prefix of length 2 … n-2 (with ``all_train``: 2 … n), ascending.
    - ``eval_seq.jsonl``: all but the last; left out where nothing would remain before its label.
    - ``test_seq.jsonl``: the whole history.

    Args:
        folder: the processed folder.
        names: of the files.
        all_train: nothing is held out.
    """

    def __init__(self, folder: Path, names: Iterable[str], all_train: bool) -> None:
        self._held_out = 0 if all_train else 2
        self._stack = ExitStack()
        self._files = {name: self._stack.enter_context((folder / name).open("wb", buffering=1 << 20)) for name in names}

    def write(self, rows: Rows) -> None:
        """Add a block of whole users."""
        text = orjson.dumps(np.stack([rows.items, rows.timestamps], axis=1), option=orjson.OPT_SERIALIZE_NUMPY)
        # The text is [[i,t],[i,t]]: event k ends behind the k-th closing bracket, and the next one behind a comma.
        ends_E = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("]"))[: len(rows.items)] + 1
        starts = [1, *(ends_E + 1).tolist()]
        for user, (first, end) in zip(rows.users.tolist(), pairwise(rows.offsets.tolist()), strict=True):
            ends = (ends_E[first:end] - starts[first]).tolist()
            self._user(user, text[starts[first] : starts[first] + ends[-1]], ends)

    def close(self) -> None:
        """Close the files."""
        self._stack.close()

    def _user(self, user: int, pairs: bytes, ends: list[int]) -> None:
        """Write one user: ``pairs`` as ``[i,t],[i,t]``, the k-th of them ends at ``ends[k]``."""
        for name in ("histories.jsonl", "test_seq.jsonl"):
            self._line(name, user, pairs)
        if "train_seq.jsonl" in self._files:
            for end in ends[1 : max(len(ends) - self._held_out, 0)]:
                self._line("train_seq.jsonl", user, pairs[:end])
        if len(ends) > 2:
            self._line("eval_seq.jsonl", user, pairs[: ends[-2]])

    def _line(self, name: str, user: int, pairs: bytes) -> None:
        if name in self._files:
            self._files[name].write(b"[%d,[%b]]\n" % (user, pairs))
