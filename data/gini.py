"""The Gini coefficient: how unevenly something falls on the items."""

import numpy as np

from data.rows import Ints


def gini(counts_I: Ints) -> float:
    """0 where all counts are equal, or all 0; ``(I - 1) / I`` where one item has everything.

    With the I counts ``x`` ascending: ``sum((2 i - I - 1) x_i) / (I sum(x))``, i from 1.

    Counts 0, 1, 1, 2 give ((-3)·0 + (-1)·1 + 1·1 + 3·2) / (4·4):

    >>> gini(np.array([1, 2, 1, 0]))
    0.375
    """
    many, total = len(counts_I), int(counts_I.sum())
    weights_I = 2 * np.arange(1, many + 1) - many - 1
    return float(weights_I @ np.sort(counts_I).astype(np.float64) / (many * max(1, total)))
