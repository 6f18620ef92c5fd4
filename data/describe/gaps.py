"""The time between one event of a history and the next; or that the domain has no such times."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from data.describe.lengths import quantile
from data.describe.scan import GAP_EDGES, Scan

Kind = Literal["times", "places", "constant", "none"]

WHY: dict[Kind, str] = {
    "times": "",
    "places": "no times: each event's timestamp is its place in the history (0, 1, 2, …), so only the order is known",
    "constant": "no times: all events of a history carry the same timestamp",
    "none": "no gaps: every history is a single event",
}
"""What is said of a domain in place of its gaps."""

BINS = np.searchsorted(GAP_EDGES, np.rint(10 ** (np.arange(0, 41) / 4)).astype(np.int64))
"""First fine bin of each bar of the histogram: four a decade."""


@dataclass(frozen=True)
class Gaps:
    """Seconds between neighbouring events; the numbers are None where there are no times.

    Attributes:
        kind: times, or why there are none (see `WHY`).
        first: the earliest time, seconds since 1970.
        last: the latest time.
        whole_days: times are dates without a time of day.
        same: gaps of 0 s.
        median: half of the gaps are no longer, to 4 %.
        p90: nine in ten are no longer, to 4 %.
        histogram: ``[from so many seconds, gaps]``, each bar up to the next; gaps of 0 s are in none.
    """

    kind: Kind
    first: int | None = None
    last: int | None = None
    whole_days: bool | None = None
    same: int | None = None
    median: int | None = None
    p90: int | None = None
    histogram: list[tuple[int, int]] | None = None


def measure_gaps(found: Scan) -> Gaps:
    """From the counts of a domain."""
    kind = kind_of(found)
    if kind != "times":
        return Gaps(kind)
    pairs = [(0, found.same), *zip(GAP_EDGES.tolist(), found.gaps_G.tolist(), strict=True)]
    bars = np.add.reduceat(found.gaps_G, BINS)
    histogram = list(zip(GAP_EDGES[BINS].tolist(), bars.tolist(), strict=True))
    return Gaps(kind, found.first, found.last, found.whole_days, found.same, quantile(pairs, 50), quantile(pairs, 90),
                histogram)  # fmt: skip


def kind_of(found: Scan) -> Kind:
    """Whether the timestamps tell any time."""
    moved = int(found.gaps_G.sum())
    if not moved:
        return "constant" if found.same else "none"
    return "places" if found.counted else "times"
