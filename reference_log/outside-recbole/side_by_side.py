"""RecBole's runs beside ours: the same targets, both through our metrics; writes a JSON, prints the table.

python reference_log/outside-recbole/side_by_side.py --runs saved/outside --domain dataset/movielens/processed/ML100k

Shapes: U users, I items (id 0 padding), S longest history.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import numpy as np
import torch
from tabulate import tabulate
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the repository, as this is no package

from data.batches import HistoryDataset
from data.domain import Domain
from data.targets import targets_of
from trainer.compare.statistics import paired_bootstrap
from trainer.metrics import RankMetrics, ndcg
from trainer.ranks import target_ranks
from trainer.user_results import UserResults

OURS = ("tributary", "tributary-last")  # every position of a row trained at once; a row a target
READINGS = ("test", "test_removed")
METRICS = [f"{reading}/{name}@10" for reading in READINGS for name in ("hit", "ndcg")]


def main() -> None:
    """Read every run, compare those of one model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--runs", type=Path, required=True, help="holds recbole-MODEL-SEED.* and tributary[-last]-MODEL-SEED"
    )
    parser.add_argument("--domain", type=Path, required=True, help="processed domain folder")
    parser.add_argument("--models", nargs="+", default=["sasrec", "gru4rec"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[2020, 2021, 2022])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("result.json"))
    given = parser.parse_args()
    result: dict[str, Any] = {}
    for model in given.models:
        theirs = [recbole(given.runs / f"recbole-{model}-{seed}", given.domain) for seed in given.seeds]
        result[model] = {"recbole": {"runs": [facts(run) for run in theirs]}}
        for side in OURS:
            folders = [given.runs / f"{side}-{model}-{seed}" for seed in given.seeds]
            if side == "tributary" or any(folder.exists() for folder in folders):
                ours = [tributary(folder) for folder in folders]
                result[model][side] = {
                    "runs": [facts(run) for run in ours],
                    "ndcg@10 less RecBole's": less(ours, theirs),
                }
    given.out.write_text(json.dumps(result, indent=2) + "\n")
    sys.stdout.write(tabulate(rows(result), headers="keys", tablefmt="pipe") + "\n")


def less(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> dict[str, float]:
    """How much higher our NDCG@10 is, a user's mean over the seeds; the 95 % interval is over users."""
    for one, other in zip(ours, theirs, strict=True):
        same = (one["users"] == other["users"]).all() and (one["targets"] == other["targets"]).all()
        assert same, "the two test other targets"
    gains = [torch.stack([ndcg(run["ranks"]) for run in runs]).mean(0) for runs in (ours, theirs)]
    return paired_bootstrap((gains[0] - gains[1]).unsqueeze(1).numpy(), 10_000, 2020)[0]._asdict()


def recbole(path: Path, domain: Path) -> dict[str, Any]:
    """A run of ``recbole_run.py``, its scores ranked and measured by our code; RecBole's own metrics must agree."""
    report: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    with np.load(path.with_suffix(".npz")) as file:
        users_U, targets_U, scores_UI = (torch.from_numpy(file[name]) for name in ("users", "targets", "scores"))
    order_U = users_U.argsort()
    store = Domain(domain).store()
    batch = HistoryDataset(store, targets_of(store, "test", "leave_one_out"), 1, True).__getitems__(
        np.arange(len(users_U))
    )
    scores_UI = scores_UI[order_U]
    ranks, removed = target_ranks(scores_UI, torch.eye(scores_UI.shape[1]), targets_U[order_U], batch.seen)
    metrics = {f"{reading}/{name}": value for reading, r in zip(READINGS, (ranks, removed), strict=True)
               for name, value in measured(r).items()}  # fmt: skip
    assert all(abs(metrics[f"test/{name}"] - own) < 1e-6 for name, own in report["recbole_metrics"].items())
    return report | {"users": users_U[order_U], "targets": targets_U[order_U], "ranks": ranks, "metrics": metrics}


def measured(ranks_U: Tensor) -> dict[str, float]:
    """Our Hit@10, NDCG@10 and MRR@10."""
    metric = RankMetrics([10])
    metric.update(ranks_U)
    return {name: value.item() for name, value in metric.compute().items()}


def tributary(folder: Path) -> dict[str, Any]:
    """A run of ``main.py``, with CPU seconds from ``cpu_seconds.CpuSeconds``."""
    report: dict[str, Any] = json.loads((folder / "test.json").read_text())
    kept = UserResults.read(folder)
    return report | {
        "users": kept.users, "targets": kept.targets, "ranks": kept.ranks,
        "val": list(column(folder, "val/ndcg@10")), "cpu_seconds": list(column(folder, "cpu_seconds")),
    }  # fmt: skip


def column(folder: Path, name: str) -> Iterator[float]:
    """What ``metrics.csv`` has of one metric, epoch by epoch."""
    with (folder / "metrics.csv").open(newline="") as file:
        yield from (float(row[name]) for row in csv.DictReader(file) if row[name])


def facts(run: dict[str, Any]) -> dict[str, Any]:
    """What of a run is kept."""
    best = int(np.argmax(run["val"]))
    kept = {name: run[name] for name in ("seed", "parameters", "val", "cpu_seconds", "recbole_metrics") if name in run}
    return kept | {"metrics": {name: run["metrics"][name] for name in METRICS}, "epochs_to_best": best + 1}


def rows(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a model and side."""
    for model, sides in result.items():
        for side, found in sides.items():
            runs = found["runs"]
            spread = {name: [run["metrics"][name] for run in runs] for name in METRICS}
            difference = found.get("ndcg@10 less RecBole's")
            yield {"model": model, "side": side} | {
                name: f"{mean(values):.4f} ± {stdev(values) if len(values) > 1 else 0:.4f}"
                for name, values in spread.items()
            } | {
                "best epochs": ", ".join(str(run["epochs_to_best"]) for run in runs),
                "CPU s an epoch": f"{median(s for run in runs for s in run['cpu_seconds']):.1f}",
                "CPU s in all": f"{sum(s for run in runs for s in run['cpu_seconds']):.0f}",
                "parameters": runs[0]["parameters"],
                "NDCG@10 less RecBole's": difference and "{mean:+.4f} [{low:+.4f}, {high:+.4f}]".format(**difference),
            }  # fmt: skip


if __name__ == "__main__":
    main()
