"""Systems that are counted go through the same commands: one pass, best.ckpt, the table."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.test_commands import Command, command, read_test, refused  # noqa: F401 — fixtures
from tests.trainer.tiny import ITEMS, USERS, draw_histories, write_domain
from trainer.checkpoint import read_checkpoint, system_weights

pytestmark = pytest.mark.filterwarnings("ignore")

SHARED = Path(__file__).parents[2].parent / "shared/data/processed"
SYSTEMS: Mapping[str, dict[str, Any]] = {
    "EASE": {"regularisation": 2.0},
    "ItemKNN": {"neighbours": 5},
    "Popularity": {},
    "ContentKNN": {"decay": 0.5},
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config of a tiny domain, over several epochs."""
    path = tmp_path / "tiny.yaml"
    settings = {
        "trainer": {"max_epochs": 3, "accelerator": "cpu", "enable_progress_bar": False},
        "data": {"domain": str(write_domain(tmp_path / "Tiny")), "batch_size": 8, "positions": "whole"},
    }
    path.write_text(json.dumps(settings))  # which is YAML too
    return path


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_run_counts_once_and_is_tested(command: Command, config: Path, tmp_path: Path, name: str) -> None:  # noqa: F811
    options = [f"--model.system.init_args.{key}={value}" for key, value in SYSTEMS[name].items()]
    command("main.py", "--config", config, "--model.system", f"model.{name}", *options, "--run_dir", tmp_path / "run")
    result, run = read_test(tmp_path / "run"), tmp_path / "run"
    log = (run / "output.log").read_text()
    assert "epoch 1: val/hit@10" in log and "epoch 2" not in log and "nan" not in log
    assert result["parameters"] == 0 and result["metrics"]["test/hit@20"] == 1.0, "of 12 items all are hits"
    command(
        "test.py", "--config", run / "config.yaml", "--ckpt_path", run / "best.ckpt", "--run_dir", tmp_path / "tested"
    )
    assert read_test(tmp_path / "tested")["metrics"] == result["metrics"]


def test_it_counts_training_events_alone(command: Command, config: Path, tmp_path: Path) -> None:  # noqa: F811
    command("main.py", "--config", config, "--model.system", "model.Popularity", "--run_dir", tmp_path / "run")
    weights = system_weights(read_checkpoint(tmp_path / "run/best.ckpt"))["weight"].squeeze(1)
    events = torch.zeros(ITEMS + 1)
    histories = draw_histories()
    for history in histories:
        for item, _ in history[:-2]:
            events[item] += 1
    assert len(histories) == USERS
    torch.testing.assert_close(weights.expm1(), events)


def test_a_finished_run_resumes_to_the_same(command: Command, config: Path, tmp_path: Path) -> None:  # noqa: F811
    arguments = ("main.py", "--config", config, "--model.system", "model.EASE")
    command(*arguments, "--run_dir", tmp_path / "run")
    before = read_test(tmp_path / "run")["metrics"]
    command(*arguments, "--ckpt_path", tmp_path / "run/last.ckpt")
    assert read_test(tmp_path / "run")["metrics"] == before


@pytest.mark.parametrize(
    ("system", "positions", "said"),
    [
        ("EASE", "every", "data.positions is every, but EASE counts: set data.positions to whole"),
        ("EASE", "last", "data.positions is last, but EASE counts: set data.positions to whole"),
        ("SASRec", "whole", "but SASRec trains on targets: set data.positions to every or last"),
    ],
)
def test_what_a_step_gives_must_suit_the_system(
    command: Command,  # noqa: F811
    config: Path,
    capsys: pytest.CaptureFixture[str],
    system: str,
    positions: str,
    said: str,
) -> None:
    arguments = ("--config", config, "--model.system", f"model.{system}", "--data.positions", positions)
    assert said in refused(command, capsys, "main.py", *arguments)


def test_the_figures_of_ease_on_a_real_shop(command: Command, tmp_path: Path) -> None:  # noqa: F811
    """DATA: test Hit@10 / NDCG@10 .1352/.0852 as published and .1523/.1020 with history removed, at λ 100."""
    if not (SHARED / "ScientificCLIP").is_dir():
        pytest.skip(f"{SHARED} is not there")
    ease = Path(__file__).parents[2] / "configs/baselines/ease.yaml"
    domain = ("--data.domain", SHARED / "ScientificCLIP", "--data.store", tmp_path / "store")
    command("main.py", "--config", ease, *domain, "--run_dir", tmp_path / "run", "--trainer.accelerator", "cpu")
    found = read_test(tmp_path / "run")["metrics"]
    expected = {"test/hit@10": 0.1352, "test/ndcg@10": 0.0852, "test_removed/hit@10": 0.1523,
                "test_removed/ndcg@10": 0.1020}  # fmt: skip
    assert {name: round(found[name], 4) for name in expected} == expected
