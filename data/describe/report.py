"""Everything that is told of domains, as plain values; table, page and JSON are made from it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data.describe.catalogue import Catalogue, measure_catalogue
from data.describe.gaps import Gaps, measure_gaps
from data.describe.lengths import Lengths, measure_lengths
from data.describe.overlap import Matrix, measure_overlap
from data.describe.popularity import Popularity, measure_popularity
from data.describe.scan import scan
from data.domain import Domain
from data.rows import Ints
from data.store import Split


@dataclass(frozen=True)
class TopItem:
    """A popular item: its raw key, its title ("" where unknown) and its events."""

    key: str
    title: str
    events: int


@dataclass(frozen=True)
class Described:
    """One domain.

    Attributes:
        name: the folder's name; with more of its path where two domains would have the same.
        folder: as it was given.
        split: whether the last two events of each history are held out, or all may be trained on.
        users: histories.
        items: of the catalogue, with and without events.
        interactions: events of all histories.
        density: share of the pairs of a user and an item that occur.
        repeat_rate: share of the events whose item the user had before.
        lengths: of the histories.
        gaps: between events.
        popularity: of the items.
        catalogue: what is known of the items.
        top: the most popular items.
    """

    name: str
    folder: str
    split: Split
    users: int
    items: int
    interactions: int
    density: float
    repeat_rate: float
    lengths: Lengths
    gaps: Gaps
    popularity: Popularity
    catalogue: Catalogue
    top: list[TopItem]


@dataclass(frozen=True)
class Report:
    """Domains side by side; ``overlap`` is None of a single one (see ``measure_overlap``)."""

    domains: list[Described]
    overlap: dict[str, Matrix] | None

    def values(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def describe(domains: Sequence[Path], out: Path) -> Report:
    """Read and count.

    Args:
        domains: processed folders.
        out: of the report; see ``measure_overlap``.

    Raises:
        ValueError: no domain, one given twice, or one that is malformed.
    """
    _check(domains)
    opened = [Domain(path) for path in domains]
    told = [_describe(domain, name) for domain, name in zip(opened, _names(opened), strict=True)]
    return Report(told, measure_overlap(opened, out) if len(opened) > 1 else None)


def _check(domains: Sequence[Path]) -> None:
    if not domains:
        raise ValueError("domains: name at least one processed domain folder.")
    seen: set[Path] = set()
    for path in domains:
        if path.resolve() in seen:
            raise ValueError(f"{path}: this domain is given twice. Name each folder once.")
        seen.add(path.resolve())


def _names(domains: Sequence[Domain]) -> list[str]:
    """Folder names, where two are equal the paths."""
    names = [domain.name for domain in domains]
    return [str(domain.path) if names.count(name) > 1 else name for domain, name in zip(domains, names, strict=True)]


def _describe(domain: Domain, name: str) -> Described:
    catalogue, store, items = measure_catalogue(domain), domain.store(), len(domain.items)
    found = scan(store, items)
    popularity, events = measure_popularity(found), len(store.items)
    return Described(
        name=name,
        folder=str(domain.path),
        split=store.split,
        users=len(store),
        items=items,
        interactions=events,
        density=(events - found.repeats) / (len(store) * items),
        repeat_rate=found.repeats / events,
        lengths=measure_lengths(found.lengths),
        gaps=measure_gaps(found),
        popularity=popularity,
        catalogue=catalogue,
        top=_top(domain, popularity.top, found.events_I),
    )


def _top(domain: Domain, ids: Sequence[int], events_I: Ints) -> list[TopItem]:
    titles = domain.titles()
    return [TopItem(domain.items[item - 1], titles[item - 1], int(events_I[item - 1])) for item in ids]
