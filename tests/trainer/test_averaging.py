"""The average of the weights is what is validated, tested and kept; training goes on from the weights."""

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from torch import Tensor

from tests.trainer.tiny import make_data, make_module, make_trainer, write_domain
from trainer.averaging import WeightAverage

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*`isinstance")


class Watch(Callback):
    """Keeps one parameter after each step and at each validation."""

    def __init__(self) -> None:
        self.steps: list[Tensor] = []
        self.validated: list[Tensor] = []

    def on_train_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        self.start = pl_module.system.text_norm.weight.detach().clone()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, *_: Any) -> None:
        self.steps.append(pl_module.system.text_norm.weight.detach().clone())

    def on_validation_batch_start(
        self, trainer: L.Trainer, pl_module: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        if batch_idx == 0:
            self.validated.append(pl_module.system.text_norm.weight.detach().clone())


def test_the_average_is_validated_kept_and_tested(tmp_path: Path) -> None:
    data, watch, module = make_data(write_domain(tmp_path / "Tiny")), Watch(), make_module()
    last = ModelCheckpoint(tmp_path, filename="last", save_on_train_epoch_end=True)
    trainer = make_trainer(tmp_path, WeightAverage(0.5), watch, last, epochs=2)
    trainer.fit(module, datamodule=data)
    average, epoch = watch.start, len(watch.steps) // 2
    for step, weight in enumerate(watch.steps, start=1):
        kept = min(0.5, (1 + step) / (10 + step))
        average = kept * average + (1 - kept) * weight
        if step == epoch:
            torch.testing.assert_close(watch.validated[0], average)
    torch.testing.assert_close(watch.validated[1], average)
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=True)
    torch.testing.assert_close(checkpoint["state_dict"]["system.text_norm.weight"], average)
    torch.testing.assert_close(module.system.text_norm.weight.detach(), watch.steps[-1])
    assert not torch.allclose(average, watch.steps[-1])
    trainer.test(module, data, ckpt_path=tmp_path / "last.ckpt", verbose=False, weights_only=True)
    torch.testing.assert_close(module.system.text_norm.weight.detach(), average)


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_share_outside_its_range_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match="average"):
        WeightAverage(decay)
