"""Training rows in which every position has a target: a history is read once, not once a prefix.

Shapes: S sequences, R rows, B requested rows, L longest row among them.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from data.batches import Batch, gather
from data.rows import Ints
from data.store import SequenceStore
from data.targets import Holdout, training_events


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Runs of events; each event but a run's first is the target of those before it.

    A history of up to twice the window is one row. A longer one is cut into rows of that many inputs, each
    starting a window later than the one before: its first window of inputs only leads in, so that every target
    has at least the context that evaluation gives it, and each is in one row alone.

    Attributes:
        start: first input of each row, in the store's events, ``(R,)``.
        first: first target, ``(R,)``.
        stop: beyond the last target, ``(R,)``.
    """

    start: Ints
    first: Ints
    stop: Ints

    @classmethod
    def of(
        cls, store: SequenceStore, holdout: Holdout, window: int, drawn_S: NDArray[np.bool_] | None = None
    ) -> "TrainingRows":
        """The rows whose targets are all training targets of the store (see ``targets_of``)."""
        begin_S = np.asarray(store.offsets[:-1])
        events_S = training_events(store, holdout, drawn_S)
        # the first row has 2W targets, each further one W
        count_S = np.where(events_S > 1, 1 + np.maximum(-(-(events_S - 1 - 2 * window) // window), 0), 0)
        number_R = np.arange(count_S.sum()) - np.repeat(np.cumsum(count_S) - count_S, count_S)
        begin_R, end_R = np.repeat(begin_S, count_S), np.repeat(begin_S + events_S, count_S)
        start_R = begin_R + number_R * window
        first_R = np.where(number_R == 0, begin_R + 1, start_R + window + 1)
        return cls(start_R, first_R, np.minimum(start_R + 2 * window + 1, end_R))

    def __len__(self) -> int:
        return len(self.start)


class EveryPosition(Dataset[Batch]):
    """Rows with a target a position.

    Args:
        store: the histories.
        holdout: what is not for training.
        window: of evaluation.
        drawn_S: which histories train; all by default.
    """

    def __init__(
        self, store: SequenceStore, holdout: Holdout, window: int, drawn_S: NDArray[np.bool_] | None = None
    ) -> None:
        self.store, self.rows = store, TrainingRows.of(store, holdout, window, drawn_S)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> Batch:
        """A batch of one."""
        return self.__getitems__(np.array([row]))

    def __getitems__(self, rows_B: Ints) -> Batch:
        """The batch of these rows; targets that only lead in are 0."""
        rows_B = np.asarray(rows_B, np.int64)
        start_B, first_B, stop_B = self.rows.start[rows_B], self.rows.first[rows_B], self.rows.stop[rows_B]
        lengths_B = stop_B - start_B - 1
        items, at = gather(self.store, stop_B - 1, lengths_B)
        targets, target_at = gather(self.store, stop_B, lengths_B)
        return Batch(
            torch.from_numpy(items),
            torch.from_numpy(np.where(items > 0, self.store.timestamps[at], 0)),
            torch.from_numpy(lengths_B),
            torch.from_numpy(np.where(target_at >= first_B[:, None], targets, 0)),
            torch.zeros(len(rows_B), 0, dtype=torch.int64),
        )
