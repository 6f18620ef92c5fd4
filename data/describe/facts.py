"""The table of a report: a row a fact, a column a domain; the terminal and the page show the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from data.describe.catalogue import MODALITIES
from data.describe.gaps import Gaps, Kind
from data.describe.report import Described, Report
from data.describe.words import NOT_TOLD, date, duration, number, part, share
from data.features.load import Modality

_KINDS: dict[Kind, str] = {
    "places": "order only",
    "constant": "no times",
    "none": "single events",
}


@dataclass(frozen=True)
class Fact:
    """A row: what it is, what that means, and the cell of each domain."""

    name: str
    meaning: str
    cells: list[str]


def facts_of(report: Report) -> list[Fact]:
    """Every row of the table."""
    return [Fact(name, meaning, [cell(one) for one in report.domains]) for name, meaning, cell in _rows()]


def overlap_rows(report: Report, what: str) -> list[list[str]]:
    """A row of cells for each domain: its name, then what it shares with each, in share of its own."""
    assert report.overlap is not None, "there are several domains"
    rows = zip(report.domains, report.overlap[what], strict=True)
    return [
        [one.name, *(_cell(keys, own=shared[a], diagonal=a == b) for b, keys in enumerate(shared))]
        for a, (one, shared) in enumerate(rows)
    ]


def _cell(keys: int, own: int, diagonal: bool) -> str:
    return number(keys) if diagonal else part(keys, own)


Cell = Callable[[Described], str]


def _rows() -> Sequence[tuple[str, str, Cell]]:
    return (
        ("users", "histories", lambda one: number(one.users)),
        ("items", "of the catalogue", lambda one: number(one.items)),
        ("interactions", "events of all histories", lambda one: number(one.interactions)),
        ("density", "pairs of a user and an item that occur, of all", lambda one: share(one.density)),
        ("repeat rate", "events whose item the user had before", lambda one: share(one.repeat_rate)),
        ("history, mean", "events", lambda one: f"{one.lengths.mean:.1f}"),
        ("history, median", "events", lambda one: number(one.lengths.median)),
        ("history, 90 %", "events; one history in ten is longer", lambda one: number(one.lengths.p90)),
        ("history, longest", "events", lambda one: number(one.lengths.most)),
        ("period", "first and last event, UTC", lambda one: _period(one.gaps)),
        ("gap, median", "between neighbouring events of a history", lambda one: _gap(one.gaps, one.gaps.median)),
        ("gap, 90 %", "one gap in ten is longer", lambda one: _gap(one.gaps, one.gaps.p90)),
        ("Gini", "of events over items: 0 even, 1 all on one", lambda one: f"{one.popularity.gini:.2f}"),
        ("top tenth", "share of events on the most popular 10 % of items", lambda one: share(one.popularity.top_tenth)),
        ("cold items", "never in a training split", lambda one: part(one.popularity.untrained, one.items)),
        ("of these unseen", "in no history at all", lambda one: part(one.popularity.unseen, one.items)),
        ("with text", "items whose text is not empty", lambda one: part(one.catalogue.text, one.items)),
        ("with picture", "items whose picture file is there", lambda one: part(one.catalogue.picture, one.items)),
        *((f"{modality} features", "items with a row; its width", _features(modality)) for modality in MODALITIES),
    )


def _period(gaps: Gaps) -> str:
    if gaps.first is None or gaps.last is None:
        return _KINDS.get(gaps.kind, NOT_TOLD)
    return f"{date(gaps.first)} to {date(gaps.last)}"


def _gap(gaps: Gaps, seconds: int | None) -> str:
    if seconds is None:
        return _KINDS.get(gaps.kind, NOT_TOLD)
    return "same day" if gaps.whole_days and not seconds else duration(seconds)


def _features(modality: Modality) -> Cell:
    def cell(one: Described) -> str:
        table = one.catalogue.features[modality]
        return "none" if table is None else f"{part(table.present, one.items)}, dim {table.dim}"

    return cell
