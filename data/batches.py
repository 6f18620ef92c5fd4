"""Samples to batches, gathered from the store in one indexing; no Python loop over samples.

Shapes: B batch, L longest history in the batch (at most the window), S longest whole history in it.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from data.rows import Ints
from data.store import SequenceStore
from data.targets import Targets


class Batch(NamedTuple):
    """Histories and their targets; the target and its timestamp are nowhere in the history.

    Attributes:
        items: ``(B, L)`` ids, oldest first, 0 on the right where there is none.
        timestamps: ``(B, L)`` whole seconds, 0 likewise.
        lengths: ``(B,)`` valid positions.
        targets: ``(B,)`` ids; ``(B, L)`` where every position has one, 0 where it has none; ``(B, 0)`` of whole
            histories.
        seen: ``(B, S)`` ids of the whole history, 0 on the right; ``(B, 0)`` in training.
    """

    items: Tensor
    timestamps: Tensor
    lengths: Tensor
    targets: Tensor
    seen: Tensor


class HistoryDataset(Dataset[Batch]):
    """Every target of a stage with the history before it.

    Args:
        store: the histories.
        targets: which positions are samples.
        window: the most recent events that a sample keeps.
        with_seen: also give the whole history's items, for the reading with history removed.
    """

    def __init__(self, store: SequenceStore, targets: Targets, window: int, with_seen: bool = False) -> None:
        self.store, self.targets, self.window, self.with_seen = store, targets, window, with_seen

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, sample: int) -> Batch:
        """A batch of one."""
        return self.__getitems__(np.array([sample]))

    def __getitems__(self, samples_B: Ints) -> Batch:
        """The batch of these samples."""
        sequence_B, position_B = self.targets.locate(np.asarray(samples_B, np.int64))
        start_B = self.store.offsets[sequence_B]
        target_B = start_B + position_B
        lengths_B = np.minimum(position_B, self.window)
        items, at = gather(self.store, target_B, lengths_B)
        seen = np.zeros((len(target_B), 0), np.int64)
        if self.with_seen:
            seen, _ = gather(self.store, target_B, position_B)
        return Batch(
            torch.from_numpy(items),
            torch.from_numpy(np.where(items > 0, self.store.timestamps[at], 0)),
            torch.from_numpy(lengths_B),
            torch.from_numpy(np.asarray(self.store.items[target_B])),
            torch.from_numpy(seen),
        )


def gather(store: SequenceStore, stop_B: Ints, lengths_B: Ints) -> tuple[Ints, Ints]:
    """Items of the ``lengths_B`` events before ``stop_B``, padded on the right, and where they stand."""
    width = max(int(lengths_B.max(initial=1)), 1)
    step_L = np.arange(width)
    valid_BL = step_L < lengths_B[:, None]
    at_BL = np.where(valid_BL, (stop_B - lengths_B)[:, None] + step_L, 0)
    return np.where(valid_BL, store.items[at_BL], 0), at_BL
