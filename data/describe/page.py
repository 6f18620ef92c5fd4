"""A report as one HTML page that asks for nothing outside itself; what comes from the data is escaped."""

from collections.abc import Callable, Sequence
from html import escape

from data.describe.facts import facts_of, overlap_rows
from data.describe.gaps import WHY
from data.describe.pictures import Limits, gaps_svg, lengths_svg, limits_of, popularity_svg
from data.describe.report import Described, Report
from data.describe.style import STYLE
from data.describe.words import duration, many, number, share

Panel = Callable[[Described, str], str]
"""A domain and the prefix of its ids to what stands in its figure: a picture, or a sentence why there is none."""


def page_of(report: Report) -> str:
    """The whole document."""
    names = [one.name for one in report.domains]
    limits = limits_of(report.domains)
    body = [
        "<header>",
        f"<h1>{escape(', '.join(names))}</h1>",
        "<p>What is in these processed domains. Pictures of one kind share their horizontal axis, so that domains "
        "can be compared.</p>"
        if len(names) > 1
        else "<p>What is in this processed domain.</p>",
        "</header>",
        _facts(report),
        _lengths(report, limits),
        _gaps(report),
        _popularity(report, limits),
        _overlap(report),
    ]
    title = f"<title>{escape(', '.join(names))} · Tributary</title>"
    meta = '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">'
    head = f"{meta}\n{title}\n<style>{STYLE}</style>"
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{_lines(body)}\n</body>\n</html>\n'


def _facts(report: Report) -> str:
    heads = "".join(f'<th scope="col">{escape(one.name)}</th>' for one in report.domains)
    rows = [
        f'<tr><th scope="row">{escape(fact.name)} <small>{escape(fact.meaning)}</small></th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in fact.cells)
        + "</tr>"
        for fact in facts_of(report)
    ]
    return _table(f"<tr><td></td>{heads}</tr>", rows)


def _lengths(report: Report, limits: Limits) -> str:
    def panel(one: Described, name: str) -> str:
        lengths = one.lengths
        told = f"Half have at most {many(lengths.median, 'event')}, nine in ten at most {number(lengths.p90)}."
        return _figure(lengths_svg(one, limits, name), told)

    how = "Share of the histories with so many events. Bars are of equal width on a logarithmic axis, so that those on "
    return _section("History lengths", f"{how}the right gather more lengths.", report, panel)


def _gaps(report: Report) -> str:
    how = (
        "Time from one event of a history to the next, on a logarithmic axis from one second to decades, in share of "
        "all gaps; the pale bar on the left is events at the same moment. Peaks are habits: a sitting, a day, a year."
    )
    return _section("Gaps between events", how, report, _gap_panel)


def _gap_panel(one: Described, name: str) -> str:
    gaps = one.gaps
    if gaps.same is None or gaps.median is None or gaps.p90 is None:
        return f'<p class="none">There are {escape(WHY[gaps.kind])}. Nothing is drawn.</p>'
    moment = "on the same day (these times are dates)" if gaps.whole_days else "at the same second"
    share_same = share(gaps.same / (one.interactions - one.users))
    told = f"{share_same} are {moment}; half are {_up_to(gaps.median)}, nine in ten {_up_to(gaps.p90)}."
    return _figure(gaps_svg(gaps, name), told)


def _up_to(seconds: int) -> str:
    return f"{duration(seconds)} or shorter" if seconds else "no longer than that"


def _popularity(report: Report, limits: Limits) -> str:
    def panel(one: Described, name: str) -> str:
        found = one.popularity
        told = f"The most popular tenth has {share(found.top_tenth)} of the events (Gini {found.gini:.2f})."
        unseen = f" Not on the curve: {many(found.unseen, 'item')} without any event." if found.unseen else ""
        return _figure(popularity_svg(one, limits, name), told + unseen) + _top(one)

    how = (
        "Events of each item, the most popular first, both axes logarithmic. A straight fall is a power law; "
        "a flat head and a steep end mean that items are used more evenly."
    )
    return _section("Popularity", how, report, panel)


def _top(one: Described) -> str:
    rows = [f"<li>{escape(item.title or item.key)} <small>{number(item.events)}</small></li>" for item in one.top]
    return f'<ol aria-label="most popular items, with their events">{"".join(rows)}</ol>'


def _overlap(report: Report) -> str:
    if report.overlap is None:
        return ""
    return _lines(
        [
            "<section><h2>Overlap</h2>",
            "<p>Raw keys that two domains share, and their share of the row's domain; the diagonal counts a domain's "
            "own. Equal keys are the same item or user only where the domains come from one source.</p>",
            *(_matrix(report, what) for what in report.overlap),
            "</section>",
        ]
    )


def _matrix(report: Report, what: str) -> str:
    assert report.overlap is not None, "there are several domains"
    heads = "".join(f'<th scope="col">{escape(one.name)}</th>' for one in report.domains)
    shared = report.overlap[what]
    rows = []
    for a, (name, *cells) in enumerate(overlap_rows(report, what)):
        shades = [0.0 if a == b else shared[a][b] / shared[a][a] for b in range(len(cells))]
        rows.append(
            f'<tr><th scope="row">{escape(name)}</th>'
            + "".join(_shaded(cell, shade) for cell, shade in zip(cells, shades, strict=True))
            + "</tr>"
        )
    return _table(f"<tr><th>{escape(what)}</th>{heads}</tr>", rows)


def _shaded(cell: str, shade: float) -> str:
    colour = f' style="background:rgba(74,123,166,{0.5 * shade:.3f})"' if shade else ""
    return f"<td{colour}>{escape(cell)}</td>"


def _section(title: str, how: str, report: Report, panel: Panel) -> str:
    """A heading, how to read it, and a panel a domain."""
    slug = title.split()[0].lower()
    panels = [
        f"<div><h3>{escape(one.name)}</h3>{panel(one, f'{slug}-{at}')}</div>" for at, one in enumerate(report.domains)
    ]
    return _lines([f"<section><h2>{title}</h2>", f"<p>{how}</p>", '<div class="panels">', *panels, "</div></section>"])


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _table(head: str, rows: Sequence[str]) -> str:
    return f'<div class="wide"><table>\n<thead>{head}</thead>\n<tbody>\n{_lines(rows)}\n</tbody>\n</table></div>'


def _lines(parts: Sequence[str]) -> str:
    return "\n".join(part for part in parts if part)
