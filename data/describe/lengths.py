"""How long the histories are."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Lengths:
    """Events a history.

    Attributes:
        least: of the shortest.
        mean: over the histories.
        median: half of the histories are no longer.
        p90: nine in ten are no longer.
        most: of the longest.
        histories: how many there are of each length, ``[length, histories]``, ascending.
    """

    least: int
    mean: float
    median: int
    p90: int
    most: int
    histories: list[tuple[int, int]]


def measure_lengths(counts: Mapping[int, int]) -> Lengths:
    """From the number of histories of each length.

    ``{2: 3, 5: 1}``: least 2, mean 2.75, median 2, p90 5, most 5.
    """
    pairs = sorted(counts.items())
    total = sum(number for _, number in pairs)
    mean = sum(length * number for length, number in pairs) / total
    return Lengths(pairs[0][0], mean, quantile(pairs, 50), quantile(pairs, 90), pairs[-1][0], pairs)


def quantile(pairs: list[tuple[int, int]], percent: int) -> int:
    """The smallest value that at least so many percent do not exceed, of ``(value, how many)``, ascending."""
    total, below = sum(number for _, number in pairs), 0
    for value, number in pairs:
        below += number
        if 100 * below >= percent * total:
            return value
    raise AssertionError("percent is at most 100, and something was counted")
