"""How unevenly the events fall on the items.

Shapes: I items.
"""

from dataclasses import dataclass

import numpy as np

from data.describe.scan import Scan
from data.gini import gini

_POINTS = 200  # of the curve, at most
_TOP = 5


@dataclass(frozen=True)
class Popularity:
    """Of the items, the catalogue's ones without an event among them.

    Attributes:
        gini: 0 where all items have equally many events, towards 1 where one has them all.
        top_tenth: share of the events that the most popular tenth of the items has (rounded up to whole items).
        untrained: items without any event that may be trained on: cold.
        unseen: those of them without any event at all.
        curve: ``[rank, events]``, from rank 1 to the last item with an event; at most 200 points, evenly spread over
            the logarithm of the rank.
        top: ids of the five most popular items; of equals the first.
    """

    gini: float
    top_tenth: float
    untrained: int
    unseen: int
    curve: list[tuple[int, int]]
    top: list[int]


def measure_popularity(found: Scan) -> Popularity:
    """From the counts of a domain."""
    order_I = np.argsort(-found.events_I, kind="stable")
    sorted_I = found.events_I[order_I]
    seen = int((sorted_I > 0).sum())
    tenth = -(-len(sorted_I) // 10)
    return Popularity(
        gini=gini(found.events_I),
        top_tenth=float(sorted_I[:tenth].sum() / sorted_I.sum()),
        untrained=int((found.training_I == 0).sum()),
        unseen=len(sorted_I) - seen,
        curve=[(rank, int(sorted_I[rank - 1])) for rank in _ranks(seen)],
        top=(order_I[: min(_TOP, seen)] + 1).tolist(),
    )


def _ranks(seen: int) -> list[int]:
    ranks = np.rint(np.geomspace(1, seen, min(_POINTS, seen))).astype(np.int64)
    return sorted({1, seen, *ranks.tolist()})
