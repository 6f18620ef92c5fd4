"""Every shipped config of a baseline trains and is tested from the command line, on a tiny domain."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import model
from model import ClosedForm
from tests.trainer.test_commands import ROOT, Command, command, read_test  # noqa: F401 — fixtures
from tests.trainer.tiny import write_domain
from trainer.checkpoint import read_checkpoint, system_weights

pytestmark = pytest.mark.filterwarnings("ignore")

CONFIGS = sorted((ROOT / "configs/baselines").glob("*.yaml"), key=lambda path: path.stem)
SMALL = {"hidden": 8, "inner": 8, "state": 3, "head_dim": 4, "time_width": 4}


def smaller(path: Path) -> list[Any]:
    """Options that make the config's system small."""
    given = yaml.safe_load(path.read_text())["model"]["system"].get("init_args", {})
    return [f"--model.system.init_args.{name}={size}" for name, size in SMALL.items() if name in given]


def test_every_baseline_has_a_config() -> None:
    shipped = {yaml.safe_load(path.read_text())["model"]["system"]["class_path"] for path in CONFIGS}
    others = {"CausalModel", "ClosedForm", "M2Rec", "M3Rec", "MMM4Rec", "SequenceModel", "WindowMMM4Rec"}
    assert shipped == {f"model.{name}" for name in model.__all__ if name not in others}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_trains_and_is_tested(path: Path, command: Command, tmp_path: Path) -> None:  # noqa: F811
    data = ("--data.domain", write_domain(tmp_path / "Tiny"), "--data.batch_size", 16)
    quiet = ("--trainer.max_epochs", 2, "--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false")
    command("main.py", "--config", path, *data, *quiet, *smaller(path), "--run_dir", tmp_path / "run")
    found = read_test(tmp_path / "run")
    assert 0 < found["metrics"]["test/ndcg@10"] <= 1 and found["metrics"]["test/hit@20"] == 1
    system = getattr(model, found["system"])
    assert (found["parameters"] == 0) == issubclass(system, ClosedForm)
    weights = system_weights(read_checkpoint(tmp_path / "run/best.ckpt"))
    assert all(torch.isfinite(weight).all() for weight in weights.values())
