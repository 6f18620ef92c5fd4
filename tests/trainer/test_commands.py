"""main.py, pretrain.py and test.py as run from the command line, in this process, on a tiny domain."""

import csv
import dataclasses
import json
import logging
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from data.domain import Domain
from data.features.table import read_table, write_table
from tests.trainer.tiny import write_domain

ROOT = Path(__file__).parents[2]
SIZES = {"hidden": 8, "inner": 8, "state": 3, "head_dim": 4, "groups": 2, "dropout": 0.3}
Command = Callable[..., None]

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """``command("main.py", "--option", value, …)`` in ``tmp_path``; what a run changes in the process is put back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    monkeypatch.chdir(tmp_path)
    for name in ("PL_GLOBAL_SEED", "PL_SEED_WORKERS"):
        monkeypatch.setenv(name, "0")  # so that it is put back

    def call(script: str, *arguments: Any) -> None:
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        runpy.run_path(str(ROOT / script), run_name="__main__")

    yield call
    torch.use_deterministic_algorithms(False)
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config of a small model on a tiny domain."""
    domain = write_domain(tmp_path / "Tiny")
    path = tmp_path / "tiny.yaml"
    settings = {
        "trainer": {"max_epochs": 2, "accelerator": "cpu", "enable_progress_bar": False},
        "model": {
            "system": {"class_path": "model.WindowMMM4Rec", "init_args": SIZES},
            "optimizer": {"class_path": "torch.optim.NAdam", "init_args": {"lr": 0.01, "weight_decay": 0.005}},
        },
        "data": {"domain": str(domain), "window": 6, "batch_size": 32, "positions": "last"},
    }
    path.write_text(json.dumps(settings))  # which is YAML too
    return path


def read_epochs(run: Path, name: str = "val/ndcg@10") -> dict[str, str]:
    """Step → value, over the metrics of a run and those that it had before it was resumed."""
    found = {}
    for path in sorted(run.glob("metrics*.csv")):
        with path.open() as file:
            found |= {row["step"]: row[name] for row in csv.DictReader(file) if row.get(name)}
    return found


def read_test(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "test.json").read_text()))


def test_a_run_leaves_all_that_is_promised(command: Command, config: Path, tmp_path: Path) -> None:
    command("main.py", "--config", config)
    (run,) = (tmp_path / "saved/WindowMMM4Rec/Tiny").iterdir()
    names = {path.name for path in run.iterdir()}
    assert {"config.yaml", "output.log", "metrics.csv", "best.ckpt", "last.ckpt", "test.json"} <= names
    assert any(name.startswith("events.out.tfevents") for name in names)
    log, result = (run / "output.log").read_text(), read_test(run)
    assert "epoch 1: loss" in log and "epoch 2: loss" in log and "history removed" in log
    assert result["epochs_to_best"] in (1, 2) and result["domain"] == "Tiny"
    with (run / "metrics.csv").open() as file:
        columns = set(csv.DictReader(file).fieldnames or [])
    assert {"train/loss_epoch", "val/ndcg@10", "val/hit@10", "val/mrr@10", "val_removed/ndcg@10"} <= columns
    assert {"train/targets_per_s", "lr-NAdam"} <= columns

    command("test.py", "--config", run / "config.yaml", "--ckpt_path", run / "best.ckpt", "--run_dir", "tested")
    assert read_test(tmp_path / "tested")["metrics"] == result["metrics"]


def test_a_stopped_run_resumes_to_the_same_result(command: Command, config: Path, tmp_path: Path) -> None:
    """``last.ckpt`` is of the last epoch also where, as here, the first is the best: of 12 items all are hits at 50."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    arguments = ("main.py", "--config", config, "--monitor", "val/hit@50")
    command(*arguments, "--run_dir", whole, "--trainer.max_epochs", 3)
    command(*arguments, "--run_dir", parts, "--trainer.max_epochs", 2)
    epoch = torch.load(parts / "last.ckpt", weights_only=True)["epoch"]
    assert epoch + 1 == 2, f"last.ckpt of 2 epochs is of epoch {epoch + 1}"
    command(*arguments, "--ckpt_path", parts / "last.ckpt", "--trainer.max_epochs", 3)
    assert read_epochs(parts) == read_epochs(whole) and len(read_epochs(whole)) == 3
    same = ("metrics", "best_val", "epochs_to_best")
    assert {name: read_test(parts)[name] for name in same} == {name: read_test(whole)[name] for name in same}
    assert read_test(whole)["epochs_to_best"] == 1


def test_a_backbone_of_another_shop_transfers(command: Command, config: Path, tmp_path: Path) -> None:
    other = write_domain(tmp_path / "Other", prefix="other", items=12)
    command("pretrain.py", "--config", config, "--data.domain", other, "--run_dir", "pre", "--trainer.max_epochs", 1)
    assert not (tmp_path / "pre/test.json").exists()
    arguments = ("--config", config, "--trainer.max_epochs", 1)
    command("main.py", *arguments, "--run_dir", "fine", "--backbone", "pre/best.ckpt")
    log = (tmp_path / "fine/output.log").read_text()
    assert "transferred" in log and "new (item-bound)" in log
    assert read_test(tmp_path / "fine")["backbone"] == "pre/best.ckpt"


def refused(command: Command, capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    """The one message of a command that exits 2."""
    with pytest.raises(SystemExit) as stop:
        command(*arguments)
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ") and "Traceback" not in message and "usage:" not in message
    return message


def test_bad_checkpoints_are_refused_before_anything_is_made(
    command: Command, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.ckpt").write_bytes(b"no checkpoint")
    for option in ("--backbone", "--ckpt_path"):
        for name, message in (("none.ckpt", "there is no such checkpoint"), ("broken.ckpt", "not a checkpoint")):
            assert message in refused(command, capsys, "main.py", "--config", config, option, name)
    assert not (tmp_path / "saved").exists()


def test_a_test_without_a_checkpoint_makes_nothing(
    command: Command, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "ckpt_path" in refused(command, capsys, "test.py", "--config", config)
    assert not (tmp_path / "saved").exists()


def test_a_missing_domain_names_the_files(
    command: Command, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(command, capsys, "main.py", "--config", config, "--data.domain", "nowhere/Shop")
    assert "nowhere/Shop" in message and "item2id.jsonl" in message
    assert not (tmp_path / "saved").exists()


def test_sizes_that_do_not_divide(command: Command, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(command, capsys, "main.py", "--config", config, "--model.system.init_args.head_dim", 5)
    assert "head_dim = 5" in message
    message = refused(command, capsys, "main.py", "--config", config, "--model.system.init_args.kernel", 0)
    assert "kernel = 0" in message


def test_a_metric_that_does_not_exist(command: Command, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("main.py", "--config", config, "--monitor", "val/ndgc@10", "--trainer.max_epochs", 1)
    assert "val/ndgc@10" in refused(command, capsys, *arguments)


def test_a_resumed_run_stays_in_its_folder_and_weights_alone_are_no_training(
    command: Command, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command("main.py", "--config", config, "--run_dir", "first", "--trainer.max_epochs", 1)
    resume = ("main.py", "--config", config, "--ckpt_path", "first/last.ckpt")
    assert "goes on in its own folder" in refused(command, capsys, *resume, "--run_dir", "second")
    assert "not empty" in refused(command, capsys, "main.py", "--config", config, "--run_dir", "first")
    weights = torch.load("first/last.ckpt", weights_only=True) | {"optimizer_states": []}
    torch.save(weights, "weights.ckpt")
    assert "--backbone" in refused(command, capsys, "main.py", "--config", config, "--ckpt_path", "weights.ckpt")
    assert not (tmp_path / "second").exists()


def test_the_clock_counts_all_epochs_and_the_table_tells_repeats(
    command: Command, config: Path, tmp_path: Path
) -> None:
    command("main.py", "--config", config, "--monitor", "val/hit@50", "--run_dir", "run", "--trainer.max_epochs", 4)
    result, log = read_test(tmp_path / "run"), (tmp_path / "run/output.log").read_text()
    assert result["epochs_to_best"] == 1 and result["seconds"] > 2 * result["seconds_to_best"]
    assert 0 <= result["repeat_rate"] < 1 and f"({100 * result['repeat_rate']:.1f} % repeats)" in log


def test_other_features_of_the_same_items_are_refused(
    command: Command, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command("main.py", "--config", config, "--run_dir", "run", "--trainer.max_epochs", 1)
    path = tmp_path / "Tiny/features/text.safetensors"
    table = read_table(path, Domain(tmp_path / "Tiny").items)
    write_table(path, dataclasses.replace(table, values=table.values + 1))
    message = refused(command, capsys, "test.py", "--config", config, "--ckpt_path", "run/best.ckpt")
    assert "the text features of" in message


def test_a_gpu_that_is_not_there_leaves_nothing_behind(
    command: Command, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    refused(command, capsys, "main.py", "--config", config, "--trainer.accelerator", "gpu", "--run_dir", "run")
    assert not (tmp_path / "run").exists()


def test_a_scheduler_may_follow_a_metric(command: Command, config: Path, tmp_path: Path) -> None:
    scheduler = (
        "--model.scheduler",
        "lightning.pytorch.cli.ReduceLROnPlateau",
        "--model.scheduler.monitor",
        "val/mrr@10",
    )
    command("main.py", "--config", config, "--run_dir", "run", "--trainer.max_epochs", 1, *scheduler)
    assert (tmp_path / "run/test.json").exists()
