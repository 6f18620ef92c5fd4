"""Seeding of steps, lines of epochs, throughput."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from data.batches import Batch
from trainer.callbacks import EpochLines, StepSeed, Throughput


def draw(seed: int, step: int) -> float:
    trainer: Any = SimpleNamespace(fit_loop=SimpleNamespace(total_batch_idx=step))
    StepSeed(seed).on_train_batch_start(trainer, None, None, 0)  # type: ignore[arg-type]
    return torch.rand(()).item()


def test_a_steps_draws_follow_from_seed_and_step_alone() -> None:
    torch.manual_seed(99)
    first = draw(1, 5)
    torch.rand(17)
    assert draw(1, 5) == first
    assert len({draw(seed, step) for seed in range(20) for step in range(20)}) == 400


@pytest.mark.parametrize("seed", [0, 2**31, 2**32 - 1])
def test_any_seed_of_lightnings_will_do(seed: int) -> None:
    assert draw(seed, 10**7) != draw(seed, 10**7 + 1)


def epoch_end(lines: EpochLines, epoch: int, **metrics: float) -> None:
    values = {name.replace("__", "@").replace("_", "/", 1): torch.tensor(value) for name, value in metrics.items()}
    trainer: Any = SimpleNamespace(callback_metrics=values, current_epoch=epoch)
    lines.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]


def test_the_best_epoch_is_the_first_of_the_highest(caplog: pytest.LogCaptureFixture) -> None:
    lines = EpochLines("val/ndcg@10")
    lines.on_fit_start(None, None)  # type: ignore[arg-type]
    with caplog.at_level(logging.INFO, "trainer.callbacks"):
        for epoch, value in enumerate([0.25, 0.5, 0.5, 0.125]):
            epoch_end(lines, epoch, train_loss_epoch=1.5, val_ndcg__10=value)
    assert (lines.best_epoch, lines.best_value) == (2, 0.5)
    assert 0 < lines.best_seconds < lines.seconds
    assert caplog.messages[1].startswith("epoch 2: loss 1.5000, val/ndcg@10 0.5000") and "best 2" in caplog.messages[3]


def test_without_validation_the_last_epoch_is_the_best() -> None:
    lines = EpochLines("val/ndcg@10")
    lines.on_fit_start(None, None)  # type: ignore[arg-type]
    epoch_end(lines, 0)
    epoch_end(lines, 1)
    assert lines.best_epoch == 2


def test_the_counts_survive_a_resume() -> None:
    lines, again = EpochLines("val/ndcg@10"), EpochLines("val/ndcg@10")
    lines.on_fit_start(None, None)  # type: ignore[arg-type]
    epoch_end(lines, 0, val_ndcg__10=0.5)
    again.load_state_dict(lines.state_dict())
    again.on_fit_start(None, None)  # type: ignore[arg-type]
    epoch_end(again, 1, val_ndcg__10=0.25)
    assert (again.best_epoch, again.best_value, again.best_seconds) == (1, 0.5, lines.best_seconds)
    assert again.seconds > lines.seconds


@pytest.mark.parametrize(("targets", "count"), [([5, 6, 7], 3), ([[5, 6], [0, 7]], 3)], ids=["last", "every"])
def test_throughput_counts_targets_also_where_the_epoch_had_begun_before(targets: list[Any], count: int) -> None:
    logged: dict[str, float] = {}
    module: Any = SimpleNamespace(log=lambda name, value: logged.__setitem__(name, value))
    throughput, empty = Throughput(), torch.zeros(0)
    batch = Batch(empty, empty, empty, torch.tensor(targets), empty)
    throughput.on_train_batch_start(None, module, batch, 3)  # type: ignore[arg-type]
    throughput.on_train_batch_end(None, module, None, batch, 3)  # type: ignore[arg-type]
    seconds = throughput._seconds
    throughput.on_train_epoch_end(None, module)  # type: ignore[arg-type]
    assert logged == {"train/targets_per_s": pytest.approx(count / seconds)}
