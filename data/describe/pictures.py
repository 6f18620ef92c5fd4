"""The pictures of a report as inline SVG: no text of the data is in them, and equal numbers give equal bytes."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.describe.gaps import Gaps
from data.describe.report import Described
from data.svg import svg_figure

_SIZE = (3.6, 2.1)  # inches
_INK, _FILL, _QUIET = "#445", "#4a7ba6", "#b9c7d4"
_STYLE = {
    "svg.fonttype": "none",  # text stays text: it takes the page's font, and can be found and read aloud
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#99a",
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e8e8ee",
    "grid.linewidth": 0.6,
}
_TICKS = {"1 s": 1, "1 min": 60, "1 h": 3600, "1 d": 86_400, "30 d": 2_592_000, "1 y": 31_557_600, "10 y": 315_576_000}
_SAME = 10**-0.75  # where gaps of 0 s stand on the logarithmic axis
_LONGEST = 10**9.25  # seconds, 56 years: what is longer is drawn there


@dataclass(frozen=True)
class Limits:
    """Ends of the axes that all domains share, so that their pictures can be compared."""

    length: int
    items: int
    events: int


def limits_of(domains: Sequence[Described]) -> Limits:
    """The largest of each over the domains."""
    return Limits(
        length=max(one.lengths.most for one in domains),
        items=max(one.items for one in domains),
        events=max(one.popularity.curve[0][1] for one in domains),
    )


def lengths_svg(one: Described, limits: Limits, name: str) -> str:
    """Share of the histories by length, in bars of equal width on a logarithmic axis."""
    edges = _length_edges(limits.length)
    lengths, histories = np.array(one.lengths.histories).T
    counts, _ = np.histogram(lengths, edges, weights=histories)

    def draw(axes: Any) -> None:
        _bars(axes, edges, counts / one.users)
        axes.set(xscale="log", xlim=(edges[0] - 0.1, edges[-1]), xlabel="events of a history", ylabel="histories, %")
        _tick_counts(axes.xaxis)

    alt = f"Histogram of history lengths: median {one.lengths.median} events, longest {one.lengths.most}"
    return _svg(draw, name, alt)


def gaps_svg(gaps: Gaps, name: str) -> str:
    """Share of the gaps by their length, seconds to years; those of 0 s apart, in a paler bar on the left."""
    assert gaps.histogram is not None and gaps.same is not None, "the domain has times"
    starts, counts = np.array(gaps.histogram).T
    total = gaps.same + counts.sum()
    same, share = gaps.same / total, counts / total

    def draw(axes: Any) -> None:
        inside = starts < _LONGEST
        heights = np.append(share[inside][:-1], share[inside][-1] + share[~inside].sum())
        _bars(axes, np.append(starts[inside], _LONGEST), heights)
        axes.bar(_SAME, 100 * same, width=_SAME, color=_QUIET)
        axes.set(xscale="log", xlim=(_SAME / 2, _LONGEST), xlabel="time to the next event", ylabel="gaps, %")
        least = 86_400 if gaps.whole_days else 1  # there is nothing below
        told = {label: seconds for label, seconds in _TICKS.items() if seconds >= least}
        _tick(axes.xaxis, {"same day" if gaps.whole_days else "0": _SAME, **told})

    return _svg(draw, name, "Histogram of the times between events, on a logarithmic axis from seconds to years")


def popularity_svg(one: Described, limits: Limits, name: str) -> str:
    """Events of each item by its rank, both axes logarithmic."""

    def draw(axes: Any) -> None:
        ranks, events = np.array(one.popularity.curve).T
        axes.plot(ranks, events, color=_FILL, linewidth=1.6, marker="o" if len(ranks) == 1 else None, markersize=3)
        right, top = max(limits.items, 2) * 1.15, max(limits.events, 2) * 1.3
        axes.set(xscale="log", yscale="log", xlim=(0.85, right), ylim=(0.8, top))
        axes.set(xlabel="rank of the item", ylabel="events")
        _tick_counts(axes.xaxis)
        _tick_counts(axes.yaxis)

    alt = f"Events of an item by its rank, both logarithmic; Gini coefficient {one.popularity.gini:.2f}"
    return _svg(draw, name, alt)


def _length_edges(most: int) -> Any:
    """Whole numbers from 1 to beyond ``most``, about ten a decade; at half below, so that a bar stands on its own."""
    tens = np.unique(np.rint(10 ** (np.arange(0, 10 * len(str(most)) + 11) / 10)).astype(np.int64))
    return tens[: int(np.searchsorted(tens, most, side="right")) + 1] - 0.5


def _bars(axes: Any, edges: Any, shares: Any) -> None:
    axes.bar(edges[:-1], 100 * shares, width=np.diff(edges), align="edge", color=_FILL, edgecolor="white",
             linewidth=0.5)  # fmt: skip
    axes.grid(visible=False, axis="x")


def _tick(axis: Any, ticks: dict[str, float]) -> None:
    from matplotlib.ticker import NullLocator

    axis.set_ticks(list(ticks.values()), list(ticks))
    axis.set_minor_locator(NullLocator())


def _tick_counts(axis: Any) -> None:
    """At powers of ten, and between them while there are few."""
    low, high = axis.get_view_interval()
    steps = (1, 2, 5) if high < 1000 else (1,)
    ticks = [step * 10**power for power in range(20) for step in steps]
    _tick(axis, {_short(tick): tick for tick in ticks if low <= tick <= high})


def _short(count: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count // size}{unit}"
    return str(count)


def _svg(draw: Callable[[Any], None], name: str, alt: str) -> str:
    """An ``<svg>`` whose ids begin with ``name``, since several stand on one page."""
    text = io.StringIO()
    with svg_figure(text, _SIZE, salt=name, style=_STYLE) as figure:
        draw(figure.subplots())
    return _inline(text.getvalue(), name, alt)


def _inline(svg: str, name: str, alt: str) -> str:
    """Without prolog, metadata and style, which belong to a file of its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>|\s*<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{alt}"', 1)
