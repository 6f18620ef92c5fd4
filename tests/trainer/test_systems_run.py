"""The shipped configs of M3Rec and M2Rec train, test and transfer from the command line, on a tiny domain."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.test_commands import ROOT, Command, command, read_test  # noqa: F401 — fixtures
from tests.trainer.tiny import write_domain

pytestmark = pytest.mark.filterwarnings("ignore")

SIZES = {"hidden": 8, "layers": 2, "state": 3}
CONFIGS = ROOT / "configs/models"
IDS = {"m3rec": "items.tables.ids.rows", "m3rec_published": "items.tables.ids.rows", "m2rec": "items.ids"}


def smallest(name: str, domain: Path, run: str) -> list[Any]:
    sizes = [part for size, value in SIZES.items() for part in (f"--model.system.init_args.{size}", value)]
    data = ["--data.domain", domain, "--data.window", 6, "--data.batch_size", 16]
    quiet = ["--trainer.max_epochs", 2, "--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false"]
    return ["--config", CONFIGS / f"{name}.yaml", *sizes, *data, *quiet, "--run_dir", run]


def weights(path: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(path, weights_only=True)["state_dict"]
    return {name.removeprefix("system."): value for name, value in state.items()}


def test_every_shipped_config_is_here() -> None:
    assert {path.stem for path in CONFIGS.glob("*.yaml")} == IDS.keys()


@pytest.mark.parametrize("name", IDS)
def test_a_run_trains_tests_and_transfers_without_the_ids(
    name: str,
    command: Command,  # noqa: F811
    tmp_path: Path,
) -> None:
    other, domain = (write_domain(tmp_path / shop, prefix=shop) for shop in ("Other", "Tiny"))
    command("main.py", *smallest(name, other, "first"))
    assert 0 <= read_test(tmp_path / "first")["metrics"]["test/ndcg@10"] <= 1
    command("main.py", *smallest(name, domain, "second"), "--backbone", "first/best.ckpt",
            "--model.optimizer.init_args.lr", 0.0, "--average", 0.0)  # fmt: skip
    log = (tmp_path / "second/output.log").read_text()
    assert "1 new (item-bound)" in log, "the ids alone start anew"
    before, after = weights(tmp_path / "first/best.ckpt"), weights(tmp_path / "second/last.ckpt")
    assert before.keys() == after.keys()
    for key, value in before.items():
        same = torch.equal(value, after[key])
        assert same == (key != IDS[name]), f"{key} {'is' if same else 'is not'} the backbone's"
