"""Training histories, each whole and once: what a model counts that is not trained by gradient.

Shapes: B requested histories, L longest among them.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from data.batches import Batch, gather
from data.rows import Ints
from data.store import SequenceStore
from data.targets import Holdout, training_events


class WholeHistories(Dataset[Batch]):
    """All events of each history that are for training, without targets; one event is a history too.

    Args:
        store: the histories.
        holdout: what is not for training.
        drawn_S: which histories train; all by default.
    """

    def __init__(self, store: SequenceStore, holdout: Holdout, drawn_S: NDArray[np.bool_] | None = None) -> None:
        self.store = store
        events_S = training_events(store, holdout, drawn_S)
        kept = np.flatnonzero(events_S)
        self.stop, self.lengths = store.offsets[kept] + events_S[kept], events_S[kept]

    def __len__(self) -> int:
        return len(self.stop)

    def __getitem__(self, row: int) -> Batch:
        """A batch of one."""
        return self.__getitems__(np.array([row]))

    def __getitems__(self, rows_B: Ints) -> Batch:
        """The batch of these histories."""
        rows_B = np.asarray(rows_B, np.int64)
        lengths_B = self.lengths[rows_B]
        items, at = gather(self.store, self.stop[rows_B], lengths_B)
        nothing = torch.zeros(len(rows_B), 0, dtype=torch.int64)
        return Batch(
            torch.from_numpy(items),
            torch.from_numpy(np.where(items > 0, self.store.timestamps[at], 0)),
            torch.from_numpy(lengths_B),
            nothing,
            nothing,
        )
