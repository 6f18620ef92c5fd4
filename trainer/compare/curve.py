"""Accuracy against the share of a shop's users that train, a line a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.files import atomic_file
from data.svg import svg_figure
from trainer.compare.picture import stage_of
from trainer.results import READINGS


def draw_curve(result: Mapping[str, Any], out: Path) -> bool:
    """Draw to ``out``, an svg, a panel for each shop with several shares; gives whether there is one.

    The same result gives the same bytes. Models that failed on a share, or are not asked there, are not on it.
    """
    shops = _shops(result["domains"])
    if not shops:
        return False
    size = (7.5, 0.5 + 3.5 * len(shops))
    with atomic_file(out) as part, svg_figure(part, size, salt="comparison") as figure:
        panels = figure.subplots(len(shops), 1, squeeze=False)[:, 0]
        for axes, (shop, shares) in zip(panels, shops.items(), strict=True):
            _panel(axes, shares, list(result["settings"]["models"]))
            axes.set_title(Path(shop).name)
        figure.suptitle(f"95 % intervals over seeds; {result['date'][:10]}", fontsize=7)
    return True


def _shops(domains: Mapping[str, Any]) -> dict[str, dict[float, Any]]:
    """By folder, where it stands there with more than one share: by share, ascending, the domain."""
    shops: dict[str, dict[float, Any]] = {}
    for domain in domains.values():
        shops.setdefault(domain["folder"], {})[domain["share"]] = domain
    return {folder: dict(sorted(shares.items())) for folder, shares in shops.items() if len(shares) > 1}


def _panel(axes: Any, shares: Mapping[float, Any], names: list[str]) -> None:
    stage = stage_of(next(iter(shares.values())))
    for at, name in enumerate(names):
        points = [
            (x, domain["models"][name]["metrics"][f"{stage}/ndcg@10"])
            for x, domain in enumerate(shares.values())
            if domain["models"].get(name, {"error": "not asked"})["error"] is None
        ]
        if points:
            means, halves = ([metric[part] or 0 for _, metric in points] for part in ("mean", "half"))
            axes.errorbar([x for x, _ in points], means, halves, marker="o", markersize=4, capsize=2, color=f"C{at}",
                          label=name)  # fmt: skip
    axes.set_xticks(range(len(shares)), ["none" if share == 0 else f"{share:.4g}" for share in shares])
    axes.set(xlabel="share of the users that train", ylabel=f"test NDCG@10, {READINGS[stage]}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
