"""Training end to end on a tiny domain: repeatable, resumable exactly, blind to what it must predict."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor

from data.batches import Batch
from tests.trainer.tiny import Losses, draw_histories, make_data, make_module, make_trainer, write_domain
from trainer.averaging import WeightAverage
from trainer.callbacks import EpochLines, Throughput
from trainer.losses import InBatch

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*`isinstance")


@pytest.fixture
def domain(tmp_path: Path) -> Path:
    return write_domain(tmp_path / "Tiny")


def train(domain: Path, folder: Path, epochs: int = 2, **data: Any) -> tuple[dict[int, float], dict[str, Tensor]]:
    losses, module = Losses(), make_module()
    make_trainer(folder, losses, epochs=epochs).fit(module, datamodule=make_data(domain, **data))
    return losses.by_step, module.system.state_dict()


def assert_same(
    one: tuple[dict[int, float], dict[str, Tensor]], two: tuple[dict[int, float], dict[str, Tensor]]
) -> None:
    assert one[0] == two[0]
    assert all(torch.equal(one[1][name], two[1][name]) for name in one[1])


# -- it learns, and repeats ---------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [None, InBatch()], ids=["full", "in_batch"])
def test_the_loss_falls_and_metrics_rise(domain: Path, tmp_path: Path, loss: InBatch | None) -> None:
    losses, module = Losses(), make_module(loss, dropout=0.0)
    trainer = make_trainer(tmp_path, losses, epochs=6)
    trainer.fit(module, datamodule=make_data(domain))
    values = list(losses.by_step.values())
    assert sum(values[-5:]) < 0.8 * sum(values[:5])
    before = make_trainer(tmp_path).test(make_module(loss), make_data(domain), verbose=False)[0]
    after = trainer.test(module, make_data(domain), verbose=False)[0]
    assert after["test/ndcg@5"] > before["test/ndcg@5"]
    names = {
        f"test{reading}/{name}@{k}"
        for reading in ("", "_removed")
        for name in ("hit", "ndcg", "mrr")
        for k in (1, 5, 12)
    }
    assert set(after) == names


def test_the_same_seed_repeats_and_another_does_not(domain: Path, tmp_path: Path) -> None:
    first = train(domain, tmp_path / "a")
    assert_same(first, train(domain, tmp_path / "b"))
    assert first[0] != train(domain, tmp_path / "c", seed=4)[0]


def test_the_number_of_workers_changes_nothing(domain: Path, tmp_path: Path) -> None:
    assert_same(train(domain, tmp_path / "a"), train(domain, tmp_path / "b", num_workers=2))


def test_compiled_it_is_the_same(domain: Path, tmp_path: Path) -> None:
    """By a backend that captures and replays the graph; inductor would need minutes and a C++ compiler."""
    found = []
    for backend in (None, "aot_eager"):
        losses, module = Losses(), make_module(dropout=0.0, compile=backend)
        make_trainer(tmp_path / str(backend), losses, epochs=1).fit(module, datamodule=make_data(domain))
        found.append(list(losses.by_step.values()))
    assert found[0] == pytest.approx(found[1], rel=1e-4)


# -- resuming -----------------------------------------------------------------------------------------


Run = tuple[Losses, EpochLines, dict[str, Tensor]]


def run(
    domain: Path,
    folder: Path,
    epochs: int,
    resume: Path | None = None,
    every_step: bool = False,
    workers: int = 0,
    monitor: str = "val/ndcg@5",
    average: float = 0.0,
) -> Run:
    """As main.py runs: the same callbacks, a logger, resumed with weights_only; optionally a checkpoint a step."""
    losses, lines, module = Losses(), EpochLines(monitor), make_module()
    checkpoints = [
        ModelCheckpoint(folder, filename="best", monitor=monitor, mode="max", enable_version_counter=False),
        ModelCheckpoint(folder, filename="last", save_on_train_epoch_end=True, enable_version_counter=False),
    ]
    if every_step:
        checkpoints = [ModelCheckpoint(folder, filename="{step}", every_n_train_steps=1, save_top_k=-1)]
    trainer = make_trainer(
        folder,
        losses,
        Throughput(),
        lines,
        LearningRateMonitor(),
        EarlyStopping(monitor, mode="max", patience=50),
        *([WeightAverage(average)] if average else []),
        *checkpoints,
        epochs=epochs,
        logger=CSVLogger(folder, name="", version=""),
    )
    trainer.fit(module, datamodule=make_data(domain, num_workers=workers), ckpt_path=resume, weights_only=True)
    return losses, lines, module.system.state_dict()


def assert_continues(whole: Run, rest: Run, first: int, best: bool = True) -> None:
    """The resumed run has the uninterrupted one's losses from step ``first`` on, its weights and its best epoch."""
    expected = {step: loss for step, loss in whole[0].by_step.items() if step >= first}
    assert rest[0].by_step == expected and expected
    assert all(torch.equal(whole[2][name], rest[2][name]) for name in whole[2])
    if best:
        assert (rest[1].best_epoch, rest[1].best_value) == (whole[1].best_epoch, whole[1].best_value)
        assert rest[1].best_seconds <= rest[1].seconds


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_resumed_run_equals_an_uninterrupted_one(domain: Path, tmp_path: Path, average: float) -> None:
    whole = run(domain, tmp_path / "whole", epochs=4, average=average)
    for stop in (1, 3):
        parts = tmp_path / f"parts{stop}"
        run(domain, parts, epochs=stop, average=average)
        rest = run(domain, parts, epochs=4, resume=parts / "last.ckpt", average=average)
        assert_continues(whole, rest, first=len(whole[0].by_step) // 4 * stop)


def test_a_run_resumed_from_its_best_epoch_too(domain: Path, tmp_path: Path) -> None:
    """``best.ckpt`` is written after validation, before the epoch ends. All of 12 items are hits at 12."""
    whole = run(domain, tmp_path / "whole", epochs=3, monitor="val/hit@12")
    assert whole[1].best_epoch == 1
    rest = run(domain, tmp_path / "rest", epochs=3, monitor="val/hit@12", resume=tmp_path / "whole/best.ckpt")
    assert_continues(whole, rest, first=len(whole[0].by_step) // 3)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_resumed_in_mid_epoch_equals_an_uninterrupted_one(domain: Path, tmp_path: Path, workers: int) -> None:
    whole = run(domain, tmp_path / "whole", epochs=3, every_step=True)
    each = len(whole[0].by_step) // 3
    for stop in (1, each + 2) if workers == 0 else (each + 1,):
        (checkpoint,) = (tmp_path / "whole").glob(f"step={stop}.ckpt")
        rest = run(domain, tmp_path / f"rest{stop}", epochs=3, resume=checkpoint, workers=workers)
        assert_continues(whole, rest, first=stop)


def test_a_checkpoint_of_an_epochs_last_step(domain: Path, tmp_path: Path) -> None:
    """Lightning does not make up for that epoch's validation, but what is trained is the same."""
    whole = run(domain, tmp_path / "whole", epochs=2, every_step=True)
    each = len(whole[0].by_step) // 2
    rest = run(domain, tmp_path / "rest", epochs=2, resume=tmp_path / f"whole/step={each}.ckpt")
    assert_continues(whole, rest, first=each, best=False)


def test_two_resumes_in_a_row(domain: Path, tmp_path: Path) -> None:
    whole = run(domain, tmp_path / "whole", epochs=3)
    run(domain, tmp_path / "parts", epochs=1)
    run(domain, tmp_path / "parts", epochs=2, resume=tmp_path / "parts/last.ckpt")
    rest = run(domain, tmp_path / "parts", epochs=3, resume=tmp_path / "parts/last.ckpt")
    assert_continues(whole, rest, first=len(whole[0].by_step) // 3 * 2)


# -- accumulation -------------------------------------------------------------------------------------


def test_two_half_batches_accumulated_equal_the_whole_batch(tmp_path: Path) -> None:
    """Of 5-event histories: 30 users with 2 training targets each are 60 samples, which 20 divides."""
    histories = [history[:5] for history in draw_histories() if len(history) >= 5]
    domain = write_domain(tmp_path / "Even", (histories * 30)[:30])
    weights = []
    for batch, parts in ((20, 1), (10, 2)):
        module = make_module(dropout=0.0, optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1))
        losses = Losses()
        make_trainer(tmp_path, losses, epochs=1, accumulate_grad_batches=parts).fit(
            module, datamodule=make_data(domain, batch_size=batch)
        )
        assert len(losses.by_step) == 60 // batch
        weights.append(module.system.state_dict())
    start = make_module(dropout=0.0).system
    assert not torch.equal(start.text_norm.weight, weights[0]["text_norm.weight"])
    for name in weights[0]:
        torch.testing.assert_close(weights[0][name], weights[1][name], rtol=1e-4, atol=1e-6)


# -- leakage ------------------------------------------------------------------------------------------


def batches(domain: Path, stage: str) -> list[Batch]:
    data = make_data(domain)
    data.setup("fit")
    return list({"train": data.train_dataloader, "val": data.val_dataloader, "test": data.test_dataloader}[stage]())


def users(domain: Path, stage: str) -> Tensor:
    data, module = make_data(domain), make_module()
    data.setup("fit")
    module.bind(data)
    system = module.system.eval()
    torch.manual_seed(0)
    for parameter in system.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    with torch.no_grad():
        return torch.cat([system.user(b.items, b.lengths, b.timestamps) for b in batches(domain, stage)])


@pytest.mark.parametrize(("stage", "held"), [("test", 1), ("val", 2), ("train", 2)])
def test_labels_and_their_times_are_not_in_the_input(tmp_path: Path, stage: str, held: int) -> None:
    """Change every held-out item and its timestamp in the files: inputs do not move, targets do."""
    histories = [history for history in draw_histories() if len(history) > 3]
    changed = copy.deepcopy(histories)
    for history in changed:
        for event in history[-held:]:
            event[0] = event[0] % 12 + 1
            event[1] += 86_400
    one, two = write_domain(tmp_path / "One", histories), write_domain(tmp_path / "Two", changed)
    for before, after in zip(batches(one, stage), batches(two, stage), strict=True):
        assert torch.equal(before.items, after.items)
        assert torch.equal(before.timestamps, after.timestamps)
        assert torch.equal(before.lengths, after.lengths)
        assert torch.equal(before.seen, after.seen)
        assert torch.equal(before.targets, after.targets) == (stage == "train")
    assert torch.equal(users(one, stage), users(two, stage))


def test_training_targets_leave_the_input_alone(domain: Path) -> None:
    """A training sample's input is the history before its target: item by item, from the file."""
    expected = set()
    for history in draw_histories():
        for position in range(1, len(history) - 2):
            before = history[max(0, position - 6) : position]
            expected.add((tuple(map(tuple, before)), history[position][0]))
    found = set()
    for b in batches(domain, "train"):
        for row, length in enumerate(b.lengths.tolist()):
            events = zip(b.items[row, :length].tolist(), b.timestamps[row, :length].tolist(), strict=True)
            found.add((tuple(events), int(b.targets[row])))
            assert not b.items[row, length:].any() and not b.timestamps[row, length:].any()
    assert found == expected
