"""Which positions of each history are targets of which split; a sample is a position, its history a view.

Shapes: S sequences, R requested samples.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data.rows import Ints
from data.store import SequenceStore

Holdout = Literal["leave_one_out", "last", "none"]
Stage = Literal["train", "val", "test"]

#: How many events at the end of each history are kept from training.
HELD: dict[Holdout, int] = {"leave_one_out": 2, "last": 1, "none": 0}


@dataclass(frozen=True, eq=False)
class Targets:
    """A run of target positions in each sequence.

    Attributes:
        sequences: which, ``(S',)``.
        first: first target position of each, ``(S',)``.
        ends: cumulated number of targets, ``(S',)``.
    """

    sequences: Ints
    first: Ints
    ends: Ints

    @classmethod
    def between(cls, first: Ints, stop: Ints) -> "Targets":
        """Positions ``first (S,)`` to ``stop (S,)``, exclusive; sequences without any are left out."""
        count = (stop - first).clip(min=0)
        kept = np.flatnonzero(count)
        return cls(kept, first[kept], np.cumsum(count[kept]))

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def locate(self, samples_R: Ints) -> tuple[Ints, Ints]:
        """Sequence and target position of each sample, two ``(R,)``."""
        run = np.searchsorted(self.ends, samples_R, side="right")
        before = np.where(run > 0, self.ends[run - 1], 0)
        return self.sequences[run], self.first[run] + samples_R - before


def training_events(store: SequenceStore, holdout: Holdout, drawn_S: NDArray[np.bool_] | None = None) -> Ints:
    """How many events at the start of each history are for training, ``(S,)``.

    Args:
        store: the histories.
        holdout: what is held out.
        drawn_S: which histories train; all by default.
    """
    events_S: Ints = (store.lengths - HELD[holdout]).clip(min=0)
    return events_S if drawn_S is None else np.where(drawn_S, events_S, 0)


def targets_of(
    store: SequenceStore,
    stage: Stage,
    holdout: Holdout,
    most: int | None = None,
    drawn_S: NDArray[np.bool_] | None = None,
) -> Targets:
    """The targets of a stage; each has at least one event before it.

    With ``leave_one_out`` the last event is the test target, the one before the validation target, and
    training targets are the events before those (published: prefixes of length 2 … n-2). ``last`` holds
    only the last one out, for validation; ``none`` trains on everything.

    Args:
        store: the histories.
        stage: which targets.
        holdout: what is held out.
        most: at most so many sequences, evenly spread, for validation of a large merged domain.
        drawn_S: which histories train; all by default. Validation and test are of every one.
    """
    lengths = store.lengths
    if stage == "train":
        return Targets.between(np.ones_like(lengths), training_events(store, holdout, drawn_S))
    back = {"val": HELD[holdout], "test": 1 if holdout == "leave_one_out" else 0}[stage]
    first = lengths - back
    stop = np.where((first >= 1) & (back > 0), first + 1, first)
    if most is not None and most < len(lengths):
        chosen = np.zeros(len(lengths), bool)
        chosen[np.linspace(0, len(lengths) - 1, most).astype(np.int64)] = True
        stop = np.where(chosen, stop, first)
    return Targets.between(first, stop)
