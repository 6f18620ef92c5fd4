"""What a finished run left in its folder: ``test.json``, ``config.yaml`` and ``metrics.csv``, checked."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from data.errors import bad

_AGAIN = "Give the folder of a finished main.py run, or run it again"
_CURVE = "val/ndcg@10"
_METRICS = ("test/hit@10", "test/ndcg@10", "test_removed/hit@10", "test_removed/ndcg@10")


@dataclass(frozen=True)
class FinishedRun:
    """One run.

    Attributes:
        folder: where it is, absolute.
        domain: the processed folder, as the config names it, absolute.
        seed: of the run.
        backbone: what it started from; None from scratch.
        monitor: the metric that chose the best epoch.
        metrics: test metrics by name.
        parameters: how many are trained.
        best_monitored: the monitor's best value; None where the run did not train.
        curve: validation NDCG@10 as published by epoch, from 1; empty where the run did not train.
        best_epoch: the tested epoch, from 1; None where the run did not train.
        seconds_to_best: of training and validation.
        seconds: likewise, in all.
    """

    folder: Path
    domain: Path
    seed: int
    backbone: str | None
    monitor: str
    metrics: Mapping[str, float]
    parameters: int
    best_monitored: float | None
    curve: Mapping[int, float]
    best_epoch: int | None
    seconds_to_best: float
    seconds: float

    @property
    def start(self) -> str:
        """``scratch`` or ``backbone``; ``tested only`` where nothing was trained."""
        if self.best_epoch is None:
            return "tested only"
        return "scratch" if self.backbone is None else "backbone"

    @property
    def best_value(self) -> float | None:
        """Validation NDCG@10 of the best epoch."""
        return None if self.best_epoch is None else self.curve.get(self.best_epoch)


def read_run(folder: Path) -> FinishedRun:
    """Read a run's folder.

    Raises:
        ValueError: the folder or one of its files is missing or damaged.
    """
    if not folder.is_dir():
        raise bad(folder, "there is no such run folder", _AGAIN)
    result, config = _test_json(folder / "test.json"), _config(folder / "config.yaml")
    metrics = {name: float(value) for name, value in result["metrics"].items() if _is_number(value)}
    curve = _curve(folder)
    best = result["epochs_to_best"] or None
    if best is not None and best not in curve:
        raise bad(folder / "metrics.csv", f"has no {_CURVE} of epoch {best}, the best of test.json", _AGAIN)
    return FinishedRun(
        folder=folder.resolve(),
        domain=Path(config["data"]["domain"]).resolve(),
        seed=result["seed"],
        backbone=result["backbone"],
        monitor=config.get("monitor", _CURVE),
        metrics=metrics,
        parameters=result["parameters"],
        best_monitored=result["best_val"],
        curve=curve,
        best_epoch=best,
        seconds_to_best=float(result["seconds_to_best"]),
        seconds=float(result["seconds"]),
    )


def _test_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise bad(path.parent, "the run has no test.json: it is not finished, or is a pretraining run", _AGAIN)
    try:
        result = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise bad(path, f"malformed ({error})", _AGAIN) from None
    numbers = ("epochs_to_best", "seconds_to_best", "seconds", "seed", "parameters")
    metrics = result.get("metrics") if isinstance(result, dict) else None
    wrong = [name for name in numbers if not (metrics is not None and _is_number(result.get(name)))]
    wrong += [name for name in _METRICS if not (isinstance(metrics, dict) and _is_number(metrics.get(name)))]
    if wrong:
        raise bad(path, f"holds no number under {', '.join(wrong)}", _AGAIN)
    if result.get("best_val") is not None and not _is_number(result["best_val"]):
        raise bad(path, f"best_val is {result['best_val']!r}", _AGAIN)
    if not isinstance(result.get("backbone"), str | None):
        raise bad(path, f"backbone is {result['backbone']!r}", _AGAIN)
    assert isinstance(result, dict)
    return result


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise bad(path.parent, "the run has no config.yaml", _AGAIN)
    try:
        config = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = mark.line + 1 if (mark := getattr(error, "problem_mark", None)) else None
        raise bad(path, f"is not yaml ({getattr(error, 'problem', error)})", _AGAIN, line) from None
    data = config.get("data") if isinstance(config, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("domain"), str):
        raise bad(path, "has no data.domain", _AGAIN)
    assert isinstance(config, dict)
    return config


def _curve(folder: Path) -> dict[int, float]:
    """Epoch from 1 → validation NDCG@10; a resumed run has ``metrics.1.csv`` … from before, in that order."""
    current = folder / "metrics.csv"
    if not current.is_file():
        raise bad(folder, "the run has no metrics.csv", _AGAIN)
    kept = [path for path in folder.glob("metrics.*.csv") if path.suffixes[0][1:].isdigit()]
    curve: dict[int, float] = {}
    for path in [*sorted(kept, key=lambda path: int(path.suffixes[0][1:])), current]:
        curve |= _rows(path)
    return dict(sorted(curve.items()))


def _rows(path: Path) -> dict[int, float]:
    curve: dict[int, float] = {}
    with path.open(newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            if not (value := row.get(_CURVE)):
                continue
            try:
                curve[int(row["epoch"]) + 1] = float(value)
            except (KeyError, TypeError, ValueError):
                raise bad(path, f"epoch {row.get('epoch')!r} with {_CURVE} {value!r}", _AGAIN, line) from None
    return curve
