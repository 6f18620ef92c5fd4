"""What a run comes to: ``test.json`` and the final table."""

import logging
import math
import platform
import sys
from pathlib import Path
from typing import Any

import lightning as L
import orjson
import torch
from tabulate import tabulate

from data.datamodule import DomainData
from data.files import atomic_file
from trainer.callbacks import EpochLines
from trainer.recommender import Recommender
from trainer.slices import format_slices, slices_of
from trainer.user_results import UserResults

logger = logging.getLogger(__name__)

READINGS = {"test": "as published", "test_removed": "history removed"}


def write_results(folder: Path, metrics: dict[str, float], facts: dict[str, Any]) -> None:
    """Write ``test.json`` and log the table.

    Args:
        folder: of the run.
        metrics: of both readings.
        facts: plain values on the run, ``system`` and ``domain`` among them.
    """
    _write(folder / "test.json", {"metrics": metrics, **facts})
    table, repeats = format_metrics(metrics), 100 * facts["repeat_rate"]
    logger.info("%s on %s, test users (%.1f %% repeats):\n%s", facts["system"], facts["domain"], repeats, table)
    logger.info("results: %s", folder / "test.json")


def write_training(folder: Path, facts: dict[str, Any]) -> None:
    """Write ``train.json``, which says that training is over and what it came to.

    Args:
        folder: of the run.
        facts: plain values on the run.
    """
    _write(folder / "train.json", facts)


def write_user_results(folder: Path, results: UserResults, data: DomainData) -> None:
    """Write ``ranks.safetensors`` and ``slices.json``, and log the latter's short form."""
    results.write(folder)
    found = slices_of(results, data)
    with atomic_file(folder / "slices.json") as part:
        part.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    logger.info("%s", format_slices(found, READINGS))


def facts_of(model: Recommender, data: DomainData, lines: EpochLines) -> dict[str, Any]:
    """What ``test.json`` tells of the training and of the domain beside its metrics."""
    return {
        "best_val": lines.best_value if math.isfinite(lines.best_value) else None,
        "epochs_to_best": lines.best_epoch,
        "seconds_to_best": lines.best_seconds,
        "seconds": lines.seconds,
        "parameters": sum(parameter.numel() for parameter in model.system.parameters()),
        "system": type(model.system).__name__,
        "domain": data.domain.name,
        "users": len(data.store),
        "user_share": data.user_share,
        "training_users": int(data.drawn_S.sum()),
        "items": data.n_items,
        "repeat_rate": data.store.repeat_rate(),
        "seed": data.seed,
    }


def command_line() -> str:
    """The command as it was given."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _write(path: Path, facts: dict[str, Any]) -> None:
    versions = {"python": platform.python_version(), "torch": torch.__version__, "lightning": L.__version__}
    machine = {"command": command_line(), "versions": versions, "threads": torch.get_num_threads()}
    with atomic_file(path) as part:
        part.write_bytes(orjson.dumps(facts | machine, option=orjson.OPT_INDENT_2))


def format_metrics(metrics: dict[str, float]) -> str:
    """A row a reading, a column a metric."""
    names = [name.split("/")[1] for name in metrics if name.startswith("test/")]
    rows = [[title, *(metrics[f"{stage}/{name}"] for name in names)] for stage, title in READINGS.items()]
    return tabulate(rows, ["reading", *names], floatfmt=".4f")


def flatten(config: dict[str, Any], prefix: str = "") -> dict[str, str | float | bool]:
    """``{"a": {"b": 1}}`` to ``{"a.b": 1}``; what is not a number, text or truth becomes text."""
    flat: dict[str, str | float | bool] = {}
    for name, value in config.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value if isinstance(value, str | int | float | bool) else str(value)
    return flat
