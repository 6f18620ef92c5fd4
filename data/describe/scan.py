"""One pass over a domain's histories: what every number of its report is made from.

Memory does not grow with the number of histories: a block of whole ones at a time, and one counter an item.

Shapes: R histories of a block, E events of a block, I items, G gap bins.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data.rows import Ints
from data.store import SequenceStore, Split
from data.targets import HELD

#: Gaps are counted between these, in seconds: every integer up to 44, then steps below 4 %, up to 317 years.
GAP_EDGES: Ints = np.unique(np.rint(10 ** (np.arange(1001) / 100)).astype(np.int64))

_HELD: dict[Split, int] = {"leave_one_out": HELD["leave_one_out"], "pretrain": HELD["none"]}
_BLOCK = 1 << 20  # events


@dataclass
class Scan:
    """Counts over the histories.

    Attributes:
        events_I: how often each item occurs, ``(I,)``.
        training_I: how often where it may be trained on: the last two events of a history are held out, none of a
            pretraining domain, ``(I,)``.
        lengths: histories of each length.
        repeats: events whose item the user had before.
        same: gaps of 0 s.
        gaps_G: gaps from ``GAP_EDGES[g]`` up to the next edge, the last one open, ``(G,)``.
        first: the earliest time, in seconds.
        last: the latest time, in seconds.
        whole_days: no event has a time of day.
        counted: every event's time is its place in the history, counted from 0 or from 1.
    """

    events_I: Ints
    training_I: Ints
    lengths: Counter[int] = field(default_factory=Counter)
    repeats: int = 0
    same: int = 0
    gaps_G: Ints = field(default_factory=lambda: np.zeros(len(GAP_EDGES), np.int64))
    first: int = np.iinfo(np.int64).max
    last: int = 0
    whole_days: bool = True
    counted: bool = True


def scan(store: SequenceStore, n_items: int, block: int = _BLOCK) -> Scan:
    """Count over every history of a store.

    Args:
        store: the histories.
        n_items: I.
        block: events read at a time, about; a history is never split.
    """
    found = Scan(np.zeros(n_items, np.int64), np.zeros(n_items, np.int64))
    origin: int | None = None
    for start, stop in _blocks(store, block):
        offsets = np.asarray(store.offsets[start : stop + 1])
        inside = slice(int(offsets[0]), int(offsets[-1]))
        items_E, times_E = np.asarray(store.items[inside]), np.asarray(store.timestamps[inside])
        lengths_R, offsets = np.diff(offsets), offsets - offsets[0]
        if origin is None:
            origin = int(times_E[0])
        _count_items(found, items_E, lengths_R, offsets, _HELD[store.split])
        _count_times(found, times_E, offsets, origin)
    return found


def _blocks(store: SequenceStore, events: int) -> Iterator[tuple[int, int]]:
    """Runs of histories, from and to, of about so many events; at least one history."""
    start = 0
    while start < len(store):
        reach = int(store.offsets[start]) + events
        stop = max(start + 1, int(np.searchsorted(store.offsets, reach, side="right")) - 1)
        yield start, stop
        start = stop


def _count_items(found: Scan, items_E: Ints, lengths_R: Ints, offsets: Ints, held: int) -> None:
    n_items = len(found.events_I)
    row_E = np.repeat(np.arange(len(lengths_R)), lengths_R)
    training_E = np.arange(len(items_E)) < (offsets[1:] - held)[row_E]
    found.events_I += _bincount(items_E, n_items)
    found.training_I += _bincount(items_E[training_E], n_items)
    found.repeats += len(items_E) - len(np.unique(row_E * (n_items + 1) + items_E))
    lengths, histories = np.unique(lengths_R, return_counts=True)
    found.lengths.update(dict(zip(lengths.tolist(), histories.tolist(), strict=True)))


def _bincount(items: Ints, n_items: int) -> Ints:
    return np.bincount(items, minlength=n_items + 1)[1:]


def _count_times(found: Scan, times_E: Ints, offsets: Ints, origin: int) -> None:
    within = np.ones(len(times_E), bool)
    within[offsets[:-1]] = False
    gaps = np.diff(times_E, prepend=times_E[:1])[within]
    found.same += int((gaps == 0).sum())
    bins = np.searchsorted(GAP_EDGES, gaps[gaps > 0], side="right") - 1
    found.gaps_G += np.bincount(bins, minlength=len(GAP_EDGES))
    found.first, found.last = min(found.first, int(times_E.min())), max(found.last, int(times_E.max()))
    found.whole_days &= not np.any(times_E % 86400)
    found.counted &= origin <= 1 and _are_places(times_E, offsets, origin)


def _are_places(times_E: Ints, offsets: Ints, origin: int) -> bool:
    place_E: NDArray[np.int64] = np.arange(len(times_E)) - np.repeat(offsets[:-1], np.diff(offsets))
    return bool(np.array_equal(times_E, place_E + origin))
