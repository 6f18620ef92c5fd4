"""What a run comes to: ``test.json``, TensorBoard's hyper-parameters, and the final table."""

import logging
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning as L
import orjson
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from tabulate import tabulate

from data.files import atomic_file

if TYPE_CHECKING:
    from trainer.cli import RunCLI

logger = logging.getLogger(__name__)

READINGS = {"test": "as published", "test_removed": "history removed"}


def write_results(cli: "RunCLI", checkpoint: Path) -> None:
    """Write ``test.json``, log hyper-parameters with the final metrics, print the table."""
    metrics = {name: float(value) for name, value in cli.trainer.callback_metrics.items() if name.startswith("test")}
    result = {
        "metrics": metrics,
        "best_val": cli.lines.best_value if cli.lines.best_epoch else None,
        "epochs_to_best": cli.lines.best_epoch,
        "seconds_to_best": cli.lines.best_seconds,
        "seconds": cli.lines.seconds,
        "parameters": sum(parameter.numel() for parameter in cli.model.system.parameters()),
        "system": type(cli.model.system).__name__,
        "domain": cli.datamodule.domain.name,
        "users": len(cli.datamodule.store),
        "items": cli.datamodule.n_items,
        "seed": cli.datamodule.seed,
        "backbone": str(cli.backbone) if cli.backbone else None,
        "checkpoint": str(checkpoint),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "lightning": L.__version__},
        "threads": torch.get_num_threads(),
    }
    with atomic_file(cli.folder / "test.json") as part:
        part.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
    log_hyperparameters(cli, metrics)
    logger.info("%s on %s, test users:\n%s", result["system"], result["domain"], format_metrics(metrics))
    logger.info("results: %s", cli.folder / "test.json")


def log_hyperparameters(cli: "RunCLI", metrics: dict[str, float]) -> None:
    """The whole configuration beside the final metrics, for TensorBoard's HParams page."""
    tensorboard = cli.trainer.loggers[0]
    assert isinstance(tensorboard, TensorBoardLogger)
    tensorboard.log_hyperparams(flatten(cli.config.as_dict()), metrics)


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
