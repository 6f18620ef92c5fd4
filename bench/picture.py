"""Curves of a scaling result as small pictures, one a curve: time on the left, memory on the right."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.report import Row
from data.files import atomic_file
from data.svg import svg_figure

_X = {
    "length": "positions of a history",
    "items": "items of the catalogue",
    "batch": "histories of a step",
    "history": "positions of a history, each a target",
    "operator": "positions of one history",
}
_Y = {"seconds": "seconds", "added_mib": "peak memory, MiB"}


def draw_curves(result: dict[str, Any], folder: Path) -> list[Path]:
    """Draw each curve of a result's rows to ``scaling-<curve>.svg``; the same result gives the same bytes."""
    machine = result["machine"]
    where = machine.get("gpu") or f"{machine['cpu']}, threads: {result['threads']}"
    paths = []
    for curve in dict.fromkeys(row["curve"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["curve"] == curve]
        paths.append(folder / f"scaling-{curve}.svg")
        _draw(curve, rows, f"{where}, {result['date'][:10]}", paths[-1])
    return paths


def _draw(curve: str, rows: list[Row], where: str, out: Path) -> None:
    works = list(dict.fromkeys(row["work"] for row in rows))
    with atomic_file(out) as part, svg_figure(part, (6, 2.2), salt=curve) as figure:
        for axes, (key, label) in zip(figure.subplots(1, 2), _Y.items(), strict=True):
            for work in works:
                axes.plot(*_points([row for row in rows if row["work"] == work], key), marker=".", label=work)
            axes.set(xlabel=_X[curve], ylabel=label, xscale="log", yscale="log")
            _tick(axes, sorted({row["at"] for row in rows}))
        if len(works) > 1:
            figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
        figure.suptitle(where if len(works) > 1 else f"{works[0]}: {where}", fontsize=7)


def _tick(axes: Any, at: list[int]) -> None:
    """Ticks where something was measured, and at 1, 2 and 5 times the powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xticks(at, [_short(x) for x in at], rotation=45)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.grid(alpha=0.3)


def _short(number: int) -> str:
    """``32768`` as ``32.8k``."""
    for unit, size in (("M", 10**6), ("k", 10**3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)


def _points(rows: Iterable[Row], key: str) -> tuple[list[float], list[float]]:
    """What cannot stand on a log scale, or was not measured, is left out."""
    kept = [row for row in rows if row[key]]
    return [row["at"] for row in kept], [row[key] for row in kept]
