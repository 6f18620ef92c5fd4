"""A share of the users to train on: the same ones for every model, others for another seed, the fewer among the more.

Shapes: S sequences.
"""

import numpy as np
from numpy.typing import NDArray

from data.store import SequenceStore
from data.targets import HELD, Holdout

Bools = NDArray[np.bool_]
Keys = NDArray[np.uint64]


def check_share(name: str, share: float) -> None:
    """Raise ``ValueError`` unless it is above 0 and at most 1."""
    if not 0 < share <= 1:
        raise ValueError(f"{name} = {share}: give the share of the users who train, above 0 and at most 1")


def drawn_users(store: SequenceStore, holdout: Holdout, share: float, seed: int) -> Bools:
    """Which sequences train, ``(S,)``: the first ``share`` of the users in the order of their keys, rounded.

    A user's key is a hash of the seed and the user's id, and of nothing else: those of a smaller share are among those
    of a larger one, whatever the order of the histories. Where none of them has anything to train on, the next ones
    join until one has.

    Args:
        store: the histories.
        holdout: what is not for training.
        share: above 0, at most 1.
        seed: of the draw.
    """
    if share == 1:
        return np.ones(len(store), bool)
    order_S = np.lexsort((store.users, _keys(store.users, seed)))
    trains_S = store.lengths[order_S] > HELD[holdout] + 1  # a target and an event before it
    first = int(trains_S.argmax()) + 1 if trains_S.any() else 0
    drawn_S = np.zeros(len(store), bool)
    drawn_S[order_S[: max(first, round(share * len(store)))]] = True
    return drawn_S


def _keys(users_S: NDArray[np.int64], seed: int) -> Keys:
    """SplitMix64 (Steele et al., 2014) of the seed's own hash and the user's id."""
    start = _mix(np.array([seed], np.int64).astype(np.uint64))
    return _mix(start + np.asarray(users_S).astype(np.uint64))


def _mix(x: Keys) -> Keys:
    x = x + np.uint64(0x9E3779B97F4A7C15)  # arrays wrap around
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
