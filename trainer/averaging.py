"""A moving average of the weights, which is what is validated, tested and kept."""

from typing import Any

import lightning as L
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

_TRAINING = "training_weights"  # in a checkpoint, beside state_dict, which holds the average


class WeightAverage(L.Callback):
    """Exponential moving average of all parameters, stepped once an optimizer step.

    Small shops make validation jump from epoch to epoch; the average does not, and ranks better. Early on it
    follows faster, ``min(decay, (1 + step) / (10 + step))``. Lightning's own callback would test the last weights
    in place of their average after training, and also copies the feature tables.

    Args:
        decay: share of the average kept a step, at least 0 and below 1.

    Raises:
        ValueError: a decay outside that range.
    """

    def __init__(self, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"average = {decay}: give the share of the average kept a step, from 0 to below 1")
        self.decay = decay
        self._average: dict[str, Tensor] = {}
        self._steps = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start from the weights as they are, unless a checkpoint had an average."""
        if not self._average:
            self._average = {name: p.detach().clone() for name, p in pl_module.named_parameters()}
        self._steps = trainer.global_step

    @torch.no_grad()
    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move the average towards the weights, where the optimizer stepped."""
        if trainer.global_step == self._steps:
            return
        self._steps = trainer.global_step
        kept = min(self.decay, (1 + self._steps) / (10 + self._steps))
        for name, parameter in pl_module.named_parameters():
            self._average[name].lerp_(parameter, 1 - kept)

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Validate the average."""
        if trainer.state.fn == TrainerFn.FITTING:
            self._swap(pl_module)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Go on training the weights."""
        if trainer.state.fn == TrainerFn.FITTING:
            self._swap(pl_module)

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """The average is the model; what training goes on from stands beside it."""
        weights = checkpoint["state_dict"]
        checkpoint[_TRAINING] = {name: weights[name] for name in self._average}
        checkpoint["state_dict"] = weights | self._average

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """A resumed run goes on from the weights and their average; a test keeps the average, loaded already."""
        if trainer.state.fn != TrainerFn.FITTING:
            return
        self._average = {name: p.detach().clone() for name, p in pl_module.named_parameters()}
        pl_module.load_state_dict(checkpoint["state_dict"] | checkpoint.get(_TRAINING, {}))

    @torch.no_grad()
    def _swap(self, pl_module: L.LightningModule) -> None:
        for name, parameter in pl_module.named_parameters():
            held = self._average[name].clone()
            self._average[name].copy_(parameter)
            parameter.copy_(held)
