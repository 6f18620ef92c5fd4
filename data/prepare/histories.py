"""Histories to files, a block of users at a time: the layouts, and what is counted on the way.

Shapes: R rows (users) in a block, E events in it.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np

from data.parts import FOLDER, part_name
from data.prepare.lines import Lines
from data.prepare.parts import Parts
from data.rows import Rows

Layout = Literal["compact", "published", "both", "parquet"]
Split = Literal["leave_one_out", "pretrain"]


def history_files(layout: Layout, split: Split) -> list[str]:
    """Names of the history files that a layout has; of Parquet parts the first, which is always there."""
    published = ["train_seq.jsonl"] + (["eval_seq.jsonl", "test_seq.jsonl"] if split == "leave_one_out" else [])
    compact = ["histories.jsonl"]
    parts = [f"{FOLDER}/{part_name(0)}"]
    return {"compact": compact, "published": published, "both": compact + published, "parquet": parts}[layout]


class HistoryWriter:
    """Writes blocks of users, in id order, and counts as it goes.

    Args:
        folder: the processed folder.
        layout: which files; see ``Lines`` and ``Parts``.
        split: whether the last two events of each user are held out.
    """

    def __init__(self, folder: Path, layout: Layout, split: Split) -> None:
        self.users = self.interactions = self.repeats = 0
        self._files: Lines | Parts
        if layout == "parquet":
            self._files = Parts(folder)
        else:
            self._files = Lines(folder, history_files(layout, split), split == "pretrain")

    def __enter__(self) -> "HistoryWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    @property
    def repeat_rate(self) -> float:
        """Share of interactions whose item the user had before."""
        return self.repeats / self.interactions if self.interactions else 0.0

    def write(self, rows: Rows) -> None:
        """Write a block of whole users, each oldest first."""
        self.users += len(rows.users)
        self.interactions += len(rows.items)
        user_E = np.repeat(np.arange(len(rows.users)), rows.lengths)
        self.repeats += len(rows.items) - len(np.unique(user_E * (rows.items.max(initial=0) + 1) + rows.items))
        self._files.write(rows)


def by_user(batches: Iterable[Any]) -> Iterator[Rows]:
    """Arrow batches (user_id, item_id, timestamp; sorted by user) as blocks of whole users.

    A batch and one user are in memory at a time. ``lines`` count users from 1.
    """
    rest, line = np.empty((3, 0), np.int64), 1
    for batch in batches:
        columns = [batch.column(name).to_numpy(zero_copy_only=False) for name in ("user_id", "item_id", "timestamp")]
        events = np.concatenate([rest, np.stack(columns)], axis=1)
        assert events.dtype == np.int64, "an engine made something else of ids or times"
        last = int(np.searchsorted(events[0], events[0, -1])) if events.size else 0
        if last:
            yield (rows := _block(events[:, :last], line))
            line += len(rows.users)
        rest = events[:, last:]
    if rest.size:
        yield _block(rest, line)


def _block(events_3E: np.ndarray[Any, np.dtype[np.int64]], line: int) -> Rows:
    users_E, items_E, times_E = events_3E
    starts = np.flatnonzero(np.diff(users_E, prepend=users_E[0] - 1))
    offsets = np.append(starts, len(users_E))
    return Rows(np.arange(line, line + len(starts)), users_E[starts], offsets, items_E, times_E)
