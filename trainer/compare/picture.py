"""Accuracy against effort: NDCG@10 by training seconds and by parameters, a row of two a domain."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data.files import atomic_file
from data.svg import svg_figure
from trainer.results import READINGS

_MARKS = "os^Dv"  # ten models a mark
_X = {"seconds": "training, s", "parameters": "parameters"}


def draw(result: Mapping[str, Any], out: Path) -> None:
    """Draw to ``out``, an svg; the same result gives the same bytes. Models that failed are not on it."""
    domains = result["domains"]
    size = (9, 0.5 + 2.8 * len(domains))
    with atomic_file(out) as part, svg_figure(part, size, salt="comparison") as figure:
        panels = figure.subplots(len(domains), 2, squeeze=False, sharey="row")
        for (name, domain), row in zip(domains.items(), panels, strict=True):
            models = {model: found for model, found in domain["models"].items() if found["error"] is None}
            stage = stage_of(domain)
            for axes, (key, label) in zip(row, _X.items(), strict=True):
                _panel(axes, models, key, stage, list(result["settings"]["models"]))
                axes.set(xlabel=label, title=name)
            row[0].set_ylabel(f"test NDCG@10, {READINGS[stage]}")
        _add_legend(figure, panels.ravel())
        figure.suptitle(f"95 % intervals over seeds; {result['date'][:10]}", fontsize=7)


def stage_of(domain: Mapping[str, Any]) -> str:
    """The reading that decides there: that of the metric which chose the epochs."""
    return "test_removed" if domain["monitor"].startswith("val_removed/") else "test"


def _panel(axes: Any, models: Mapping[str, Any], key: str, stage: str, names: Sequence[str]) -> None:
    """``names`` of all models, on whatever domain: each has one colour and mark throughout."""
    for name, model in models.items():
        x = model["seconds"]["mean"] if key == "seconds" else model["parameters"]
        metric, at = model["metrics"][f"{stage}/ndcg@10"], names.index(name)
        look = {"color": f"C{at % 10}", "marker": _MARKS[at // 10 % len(_MARKS)], "linestyle": "none"}
        axes.errorbar(x, metric["mean"], metric["half"] or 0, markersize=5, capsize=2, label=name, **look)
    # what counts has no parameters, and takes next to no time: both stand on the axis's linear part
    axes.set_xscale("symlog", linthresh=1 if key == "seconds" else 1000)
    axes.set_xlim(left=-0.1)
    axes.margins(x=0.15)
    axes.grid(alpha=0.3)


def _add_legend(figure: Any, panels: Iterable[Any]) -> None:
    """One for all panels: names beside the points would cover each other."""
    found = {name: mark for axes in panels for mark, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    if found:
        figure.legend(found.values(), found.keys(), loc="outside right upper", fontsize=7)
