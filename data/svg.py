"""Pictures as SVG: the same numbers give the same bytes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@contextmanager
def svg_figure(
    out: Path | TextIO, size: tuple[float, float], salt: str, style: Mapping[str, Any] | None = None
) -> Iterator["Figure"]:
    """A figure to draw on, written to ``out`` at the end of the block; nothing is written if the block raises.

    Args:
        size: width and height, inches.
        salt: what the ids inside begin from: pictures that stand on one page need each its own.
        style: matplotlib's settings, beside a font of 8 points.
    """
    import matplotlib as mpl  # slow to import, and needed here only
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": 8, **(style or {}), "svg.hashsalt": salt}):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        yield figure
        figure.savefig(out, format="svg", metadata={"Date": None})
