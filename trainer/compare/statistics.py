"""Intervals over seeds, and differences of models over the same users.

Shapes: U users, C comparisons, R resamples of a block.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

_ENTRIES = 1 << 22  # of a block of resamples


class Difference(NamedTuple):
    """Mean over users of model less reference, its 95 % interval, and p of no difference, two-sided."""

    mean: float
    low: float
    high: float
    p: float


def t_interval(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and half the width of its 95 % t interval; None of one value.

    >>> mean, half = t_interval([1.0, 2.0, 3.0])  # deviation 1, so 4.3027 / sqrt(3)
    >>> round(mean, 4), round(half, 4)
    (2.0, 2.4841)
    """
    mean, number = float(np.mean(values)), len(values)
    if number < 2:
        return mean, None
    error = float(np.std(values, ddof=1)) / number**0.5
    return mean, float(stats.t.ppf(0.975, number - 1)) * error


def paired_bootstrap(differences_UC: Floats, resamples: int, seed: int) -> list[Difference]:
    """Resample users with replacement, the same for every comparison; the mean's percentiles, and p.

    p is twice the smaller share of resampled means on one side of 0, each share ``(count + 1) / (resamples + 1)`` with
    means of 0 on both sides, 1 at most: never below ``2 / (resamples + 1)``.

    Args:
        differences_UC: of each user's metric, model less reference.
        resamples: how many.
        seed: of the draws.
    """
    means = np.concatenate(list(_resampled(differences_UC, resamples, np.random.default_rng(seed))))
    below, above = ((side.sum(axis=0) + 1) / (resamples + 1) for side in (means <= 0, means >= 0))
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    p = np.minimum(1.0, 2 * np.minimum(below, above))
    columns = (differences_UC.mean(axis=0), low, high, p)
    return [Difference(*map(float, row)) for row in zip(*columns, strict=True)]


def holm(ps: Sequence[float]) -> list[float]:
    """p values after Holm's correction, in the given order.

    The smallest of n is multiplied by n, the next by n - 1, …; none falls below an earlier one, nor beyond 1:

    >>> [round(p, 2) for p in holm([0.04, 0.01, 0.03])]
    [0.06, 0.03, 0.06]
    """
    corrected, largest = [0.0] * len(ps), 0.0
    for rank, at in enumerate(sorted(range(len(ps)), key=lambda at: ps[at])):
        largest = max(largest, min(1.0, ps[at] * (len(ps) - rank)))
        corrected[at] = largest
    return corrected


def _resampled(values_UC: Floats, resamples: int, random: np.random.Generator) -> Iterator[Floats]:
    """Means of resampled users, a block of ``(R, C)`` at a time: how often each is drawn, times the values."""
    users = len(values_UC)
    block = max(1, _ENTRIES // users)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = random.integers(0, users, (rows, users)) + np.arange(rows)[:, None] * users
        counts_RU = np.bincount(drawn.ravel(), minlength=rows * users).reshape(rows, users)
        yield counts_RU @ values_UC / users
