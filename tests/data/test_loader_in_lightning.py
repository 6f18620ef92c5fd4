"""What a Lightning run is given: another order each epoch, and after a restart the rest of it."""

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from test_history_loader import samples
from torch import Tensor

from data.batches import Batch
from data.loader import HistoryLoader


class Recorder(L.LightningModule):
    """Notes the epoch and targets of each batch that it is given."""

    def __init__(self, stop_after: int | None = None) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.stop_after = stop_after
        self.seen: list[tuple[int, list[int]]] = []

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        if len(self.seen) == self.stop_after:
            raise InterruptedError
        self.seen.append((self.current_epoch, batch.targets.tolist()))
        return self.weight * 1.0

    def validation_step(self, batch: Batch, batch_idx: int) -> None: ...

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(
    folder: Path, recorder: Recorder, workers: int = 0, ckpt: Path | None = None, **save: Any
) -> list[tuple[int, list[int]]]:
    keep = ModelCheckpoint(dirpath=folder, filename="{epoch}-{step}", save_top_k=-1, **save) if save else None
    trainer = L.Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[keep] if keep else None,
        enable_checkpointing=keep is not None,
        num_sanity_val_steps=0,
    )
    val = HistoryLoader(samples(), 4, None, 0)
    trainer.fit(recorder, HistoryLoader(samples(), 4, 7, workers), val, ckpt_path=ckpt, weights_only=True)
    return recorder.seen


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, list[int]]]:
    return fit(tmp_path_factory.mktemp("whole"), Recorder())


def test_each_epoch_has_every_sample_in_another_order(whole: list[tuple[int, list[int]]]) -> None:
    epochs = [[target for number, batch in whole if number == epoch for target in batch] for epoch in range(3)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(2, 25))] * 3
    assert len({tuple(epoch) for epoch in epochs}) == 3


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("step", [2, 6, 9])  # in the first epoch, at its end, in the second (6 batches each)
def test_restart_goes_on_where_the_checkpoint_stood(
    tmp_path: Path, whole: list[tuple[int, list[int]]], step: int, workers: int
) -> None:
    with pytest.raises(InterruptedError):
        fit(tmp_path, Recorder(stop_after=step + 1), workers, every_n_train_steps=step)
    (ckpt,) = tmp_path.glob(f"*step={step}.ckpt")
    assert fit(tmp_path, Recorder(), workers, ckpt) == whole[step:]


@pytest.mark.parametrize("at_train_end", [True, False])
def test_restart_behind_an_epoch(tmp_path: Path, whole: list[tuple[int, list[int]]], at_train_end: bool) -> None:
    with pytest.raises(InterruptedError):
        fit(tmp_path, Recorder(stop_after=8), save_on_train_epoch_end=at_train_end, every_n_epochs=1)
    (ckpt,) = tmp_path.glob("epoch=0-*.ckpt")
    for workers in (0, 1):
        assert fit(tmp_path, Recorder(), workers, ckpt) == whole[6:]
