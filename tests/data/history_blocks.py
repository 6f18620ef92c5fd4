"""Histories written down by hand, as the blocks of rows that writers take."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from data.rows import Rows


def block(histories: Mapping[int, Sequence[Sequence[int]]]) -> Rows:
    """One block of user id → pairs of item id and timestamp."""
    offsets = list(accumulate((len(pairs) for pairs in histories.values()), initial=0))
    events = np.array([pair for pairs in histories.values() for pair in pairs], np.int64).reshape(-1, 2)
    users = np.array(list(histories), np.int64)
    return Rows(np.arange(1, len(users) + 1), users, np.array(offsets), events[:, 0], events[:, 1])
