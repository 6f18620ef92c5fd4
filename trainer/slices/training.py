"""What a shop's training histories say of its items.

Shapes: S sequences, E events, I items (entry 0 padding), U users.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data.rows import Ints
from data.store import SequenceStore
from data.targets import Holdout, training_events


@dataclass(frozen=True, eq=False)
class Popularity:
    """How many users had each item in training.

    Attributes:
        counts_I: users an item, ``(I+1,)`` int64; a user who had it twice is one; entry 0 is 0.
        users: how many users have any training event.
    """

    counts_I: Tensor
    users: int


def training_popularity(
    store: SequenceStore, holdout: Holdout, items: int, drawn_S: NDArray[np.bool_] | None = None
) -> Popularity:
    """Of the events that a run with this holdout trains on, where ``drawn_S`` (all by default) are the users who train.

    Two histories A B A C D and A B, the last two events held out: A 1, B 1, the others 0; one user.
    """
    events_S = training_events(store, holdout, drawn_S)
    sequence_E: Ints = np.repeat(np.arange(len(store), dtype=np.int64), store.lengths)
    trained = np.arange(len(sequence_E)) < (store.offsets[:-1] + events_S)[sequence_E]
    pairs = np.unique(sequence_E[trained] * (items + 1) + store.items[trained])
    counts_I = np.bincount(pairs % (items + 1), minlength=items + 1)
    return Popularity(torch.from_numpy(counts_I), int((events_S > 0).sum()))


def histories_before_test(store: SequenceStore) -> tuple[Tensor, Tensor]:
    """Sequence and item of each event but the last of its sequence, two ``(E',)``."""
    sequence_E: Ints = np.repeat(np.arange(len(store), dtype=np.int64), store.lengths)
    before_E = np.arange(len(sequence_E)) < store.offsets[1:][sequence_E] - 1
    return torch.from_numpy(sequence_E[before_E]), torch.from_numpy(np.asarray(store.items)[before_E])
