"""main.py with 0 epochs: a backbone's weights tested as they are, and what that cannot mean refused."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.test_commands import Command, command, config, read_test, refused  # noqa: F401 — fixtures
from tests.trainer.test_systems_run import weights
from tests.trainer.tiny import write_domain
from trainer.checkpoint import RECORD
from trainer.finished_run import read_run
from trainer.report import report
from trainer.user_results import UserResults

pytestmark = pytest.mark.filterwarnings("ignore")

BIAS = "--model.system.init_args.id_bias"


@pytest.fixture
def pretrained(command: Command, config: Path, tmp_path: Path) -> tuple[Any, ...]:  # noqa: F811
    """The arguments of a zero-shot run, but for its folder and rows an item; the backbone is of another shop."""
    other = write_domain(tmp_path / "Other", prefix="other", items=15)
    arguments, once = ("--config", config, "--average", 0.99), ("--trainer.max_epochs", 1, "--run_dir", "pre")
    command("pretrain.py", *arguments, BIAS, "true", "--data.domain", other, *once)
    return ("main.py", *arguments, "--trainer.max_epochs", 0, "--backbone", "pre/best.ckpt")


def test_it_leaves_what_any_run_leaves(command: Command, pretrained: tuple[Any, ...], tmp_path: Path) -> None:  # noqa: F811
    command(*pretrained, BIAS, "false", "--run_dir", "zero")
    run = tmp_path / "zero"
    names = {path.name for path in run.iterdir()}
    kept = {"config.yaml", "output.log", "metrics.csv", "best.ckpt", "train.json", "test.json", "slices.json"}
    assert kept <= names and len(UserResults.read(run).users) == 30
    result = read_test(run)
    assert (result["epochs_to_best"], result["seconds"], result["backbone"]) == (0, 0.0, "pre/best.ckpt")
    assert 0 < result["best_val"] <= 1 and 0 < result["metrics"]["test/ndcg@10"] <= 1
    assert "untrained noise" not in (run / "output.log").read_text()

    before, after = weights(tmp_path / "pre/best.ckpt"), weights(run / "best.ckpt")
    assert before.keys() - after.keys() == {f"items.tables.{name}.id_bias" for name in ("text", "image")}
    assert all(torch.equal(after[name], before[name]) for name in after), "and the average of nothing is the weights"
    assert torch.load(run / "best.ckpt", weights_only=True)[RECORD]["domain"] == str(tmp_path / "Tiny")

    found = read_run(run)
    assert found.start == "tested only" and not found.curve and found.best_monitored == result["best_val"]
    report([run])
    command("test.py", "--config", run / "config.yaml", "--ckpt_path", run / "best.ckpt", "--run_dir", "tested")
    assert read_test(tmp_path / "tested")["metrics"] == result["metrics"]


def test_the_seed_and_the_share_of_users_change_nothing(
    command: Command,  # noqa: F811
    pretrained: tuple[Any, ...],
    tmp_path: Path,
) -> None:
    for name, more in (("one", ()), ("other", ("--seed_everything", 9, "--data.user_share", 0.1))):
        command(*pretrained, BIAS, "false", *more, "--run_dir", name)
    one, other = (read_test(tmp_path / name) for name in ("one", "other"))
    assert one["metrics"] == other["metrics"]
    assert [(run["user_share"], run["training_users"]) for run in (one, other)] == [(1.0, 30), (0.1, 3)]


def test_rows_an_item_are_told_to_be_noise(command: Command, pretrained: tuple[Any, ...], tmp_path: Path) -> None:  # noqa: F811
    dynamic = ("--model.system.init_args.fusion", "dynamic_instance")
    command(*pretrained, *dynamic, "--run_dir", "zero")
    (line,) = [line for line in (tmp_path / "zero/output.log").read_text().splitlines() if "untrained noise" in line]
    assert "items.tables.text.id_bias, items.tables.image.id_bias has" in line, "the fusion's rows are even, no noise"
    assert f"{BIAS} false" in line


def test_random_weights_are_no_result(
    command: Command,  # noqa: F811
    config: Path,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nothing = ("--config", config, "--trainer.max_epochs", 0, "--run_dir", "run")
    message = refused(command, capsys, "main.py", *nothing)
    assert "trainer.max_epochs is 0" in message and "--backbone" in message
    assert not (tmp_path / "run").exists()


def test_what_is_counted_has_no_shot_without_an_epoch(
    command: Command,  # noqa: F811
    pretrained: tuple[Any, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    counted = ("--model.system", "model.Popularity", "--data.positions", "whole", "--data.modalities", "[]")
    message = refused(command, capsys, *pretrained, *counted, "--run_dir", "run")
    assert "Popularity knows only what it counts" in message
    message = refused(command, capsys, *pretrained, "--data.holdout", "last", "--run_dir", "run")
    assert "there is nothing to test" in message
    assert not (tmp_path / "run").exists()


def test_a_shop_without_a_history_to_train_on_can_be_tested(
    command: Command,  # noqa: F811
    pretrained: tuple[Any, ...],
    tmp_path: Path,
) -> None:
    young = write_domain(tmp_path / "Young", [[[1, 5], [2, 6], [3, 7]], [[2, 5], [4, 8]]])
    command(*pretrained, BIAS, "false", "--data.domain", young, "--run_dir", "zero")
    assert len(UserResults.read(tmp_path / "zero").users) == 2
