"""A causal model trained at every position: it learns, repeats and resumes like any other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor

from model import MMM4Rec
from tests.trainer.test_commands import Command, command, config, refused  # noqa: F401 — fixtures
from tests.trainer.tiny import ITEMS, Losses, draw_histories, make_data, make_trainer, write_domain
from trainer.losses import FullCatalogue, InBatch, NextItemLoss
from trainer.recommender import Recommender, _seen, _targets

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*`isinstance")

ROOT = Path(__file__).parents[2]
WINDOW = 2  # so that most histories are several rows
Run = tuple[dict[int, float], dict[str, Tensor]]


@pytest.fixture
def domain(tmp_path: Path) -> Path:
    return write_domain(tmp_path / "Tiny")


def make_causal(loss: NextItemLoss | None = None, dropout: float = 0.3) -> Recommender:
    torch.manual_seed(5)
    system = MMM4Rec(hidden=8, inner=8, state=3, head_dim=4, groups=2, time_width=3, dropout=dropout)
    return Recommender(system, lambda parameters: torch.optim.NAdam(parameters, lr=0.01), loss, ks=(1, 5, ITEMS))


def train(
    domain: Path,
    folder: Path,
    epochs: int = 2,
    workers: int = 0,
    resume: Path | None = None,
    keep_steps: bool = False,
    module: Recommender | None = None,
) -> Run:
    """Losses by step, and the weights; a checkpoint a step where asked."""
    losses, module = Losses(), module or make_causal()
    keep = [ModelCheckpoint(folder, filename="{step}", every_n_train_steps=1, save_top_k=-1)] if keep_steps else []
    data = make_data(domain, positions="every", window=WINDOW, batch_size=8, num_workers=workers)
    trainer = make_trainer(folder, losses, *keep, epochs=epochs)
    trainer.fit(module, datamodule=data, ckpt_path=resume, weights_only=True)
    return losses.by_step, module.system.state_dict()


def assert_same(one: Run, two: Run) -> None:
    assert one[0] == two[0] and one[0]
    assert all(torch.equal(one[1][name], two[1][name]) for name in one[1])


@pytest.mark.parametrize("loss", [None, InBatch()], ids=["full", "in_batch"])
def test_the_loss_falls_and_metrics_rise(domain: Path, tmp_path: Path, loss: InBatch | None) -> None:
    module = make_causal(loss, dropout=0.0)
    values = list(train(domain, tmp_path, epochs=8, module=module)[0].values())
    assert sum(values[-4:]) < 0.8 * sum(values[:4])
    data = make_data(domain, window=WINDOW)
    before, after = (make_trainer(tmp_path).test(m, data, verbose=False)[0] for m in (make_causal(), module))
    assert after["test/ndcg@5"] > before["test/ndcg@5"]


@pytest.mark.parametrize("loss", [FullCatalogue(), FullCatalogue(repeats=False)], ids=["repeats", "no_repeats"])
def test_the_loss_is_the_mean_over_the_targets_of_single_prefixes(domain: Path, loss: NextItemLoss) -> None:
    """Wide windows cut nothing: then one batch of all rows aims at what one of all prefixes does."""
    module, found = make_causal(loss, dropout=0.0), {}
    for positions in ("every", "last"):
        data = make_data(domain, positions=positions, window=20, batch_size=1000)
        data.setup("fit")
        if not found:
            module.bind(data)
        (batch,) = data.train_dataloader()
        users_Td, targets_T, seen_TL = module._users(batch), _targets(batch), _seen(batch)
        assert len(users_Td) == len(targets_T) == sum(max(len(history) - 3, 0) for history in draw_histories())
        found[positions] = loss(users_Td, targets_T, seen_TL, module.system)
    torch.testing.assert_close(found["every"], found["last"], rtol=1e-5, atol=1e-6)


def test_a_run_resumed_in_mid_epoch_equals_an_uninterrupted_one(domain: Path, tmp_path: Path) -> None:
    losses, weights = train(domain, tmp_path / "whole", epochs=3, keep_steps=True)
    each = len(losses) // 3
    assert each > 2, "there is a middle"
    for stop, workers in ((1, 0), (each + 2, 2)):
        resume = tmp_path / f"whole/step={stop}.ckpt"
        rest = train(domain, tmp_path / f"rest{stop}", epochs=3, workers=workers, resume=resume)
        assert_same(rest, ({step: loss for step, loss in losses.items() if step >= stop}, weights))


_PRINT = """
import sys
from pathlib import Path
from tests.trainer.test_every_position_training import train
losses, weights = train(Path(sys.argv[1]), Path(sys.argv[2]), epochs=1)
sys.stdout.write("told " + repr((losses, {name: float(w.double().sum()) for name, w in weights.items()})))
"""


def test_workers_and_hashes_change_nothing(domain: Path, tmp_path: Path) -> None:
    losses, weights = first = train(domain, tmp_path / "a", epochs=1)
    assert_same(first, train(domain, tmp_path / "b", epochs=1, workers=2))
    other = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    told = subprocess.run(
        [sys.executable, "-c", _PRINT, str(domain), str(tmp_path / "c")],
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": other}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    sums = {name: float(weight.double().sum()) for name, weight in weights.items()}
    assert told.rpartition("told ")[2] == repr((losses, sums))


def test_only_a_causal_model_is_run(
    command: Command,  # noqa: F811
    config: Path,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ("main.py", "--config", config, "--data.positions", "every", "--trainer.max_epochs", 1)
    message = refused(command, capsys, *arguments)
    assert message == "error: data.positions is every, but WindowMMM4Rec is not causal: set data.positions to last\n"
    command(*arguments, "--model.system.class_path", "model.MMM4Rec", "--run_dir", "causal")
    assert (tmp_path / "causal/test.json").exists()
