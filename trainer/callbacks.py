"""What a run does beside training: repeatable randomness, throughput, a line an epoch, time to the best epoch."""

import logging
import time
from typing import Any

import lightning as L
import torch

from data.batches import Batch

logger = logging.getLogger(__name__)


class StepSeed(L.Callback):
    """Seeds dropout from the seed and the step alone: a resumed run repeats the uninterrupted one exactly.

    Args:
        seed: of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Before anything random in the step."""
        torch.manual_seed(self.seed * 1_000_003 + trainer.fit_loop.total_batch_idx)


class Throughput(L.Callback):
    """Logs ``train/targets_per_s`` each epoch, validation not counted."""

    def __init__(self) -> None:
        self._targets, self._seconds = 0, 0.0  # a run resumed in mid-epoch does not start that epoch

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the epoch's count."""
        self._targets, self._seconds = 0, 0.0

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Start the step's clock."""
        self._start = time.perf_counter()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Stop it."""
        self._seconds += time.perf_counter() - self._start
        self._targets += int((batch.targets > 0).sum())

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the epoch's."""
        pl_module.log("train/targets_per_s", self._targets / max(self._seconds, 1e-9))


class EpochLines(L.Callback):
    """One line an epoch in the log, and the epochs and seconds until the best one.

    Args:
        monitor: the metric that decides which epoch is best; higher is better.
    """

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.best_value, self.best_epoch, self.best_seconds, self.seconds = -float("inf"), 0, 0.0, 0.0

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock; a resumed run adds to what was spent before."""
        self._start = time.perf_counter() - self.seconds

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the epoch."""
        self.seconds = time.perf_counter() - self._start
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        epoch, value = trainer.current_epoch + 1, metrics.get(self.monitor)
        if value is None or value > self.best_value:
            self.best_epoch, self.best_seconds = epoch, self.seconds
            self.best_value = self.best_value if value is None else value
        labels = {"train/loss_epoch": "loss"} | {
            name: name for name in ("val/hit@10", "val/ndcg@10", "val_removed/ndcg@10")
        }
        shown = [f"{label} {metrics[name]:.4f}" for name, label in labels.items() if name in metrics]
        logger.info("epoch %d: %s (%.0f s; best %d)", epoch, ", ".join(shown), self.seconds, self.best_epoch)

    def state_dict(self) -> dict[str, Any]:
        """For a resumed run."""
        return {
            "value": self.best_value,
            "epoch": self.best_epoch,
            "best_seconds": self.best_seconds,
            "seconds": self.seconds,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the counts."""
        self.best_value, self.best_epoch = state_dict["value"], state_dict["epoch"]
        self.best_seconds, self.seconds = state_dict["best_seconds"], state_dict["seconds"]
