"""A comparison for TensorBoard's HParams page: one run a model and domain."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.files import atomic_dir


def write_hparams(result: Mapping[str, Any], folder: Path) -> None:
    """Write event files under ``folder``, which is replaced as a whole."""
    from torch.utils.tensorboard import SummaryWriter  # slow to import, and needed here only

    names = sorted({name for model in _models(result) for name in model[2]["options"]})
    with atomic_dir(folder) as part:
        for domain, name, model in _models(result):
            told = {"command": result["command"], "domain": domain, "model": name, "parameters": model["parameters"]}
            options = {option: str(model["options"].get(option, "")) for option in names}
            metrics = {metric.replace("@", "_at_"): value["mean"] for metric, value in model["metrics"].items()}
            with SummaryWriter(str(part / domain)) as writer:
                writer.add_hparams(told | options, metrics | {"seconds": model["seconds"]["mean"]}, run_name=name)


def _models(result: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    return [
        (domain, name, model)
        for domain, found in result["domains"].items()
        for name, model in found["models"].items()
        if model["error"] is None
    ]
