"""A callback for ``main.py``: CPU seconds an epoch, validation and checkpoints included, into ``metrics.csv``."""

from time import process_time

import lightning as L


class CpuSeconds(L.Callback):
    """Logs ``cpu_seconds``: a shared machine makes others wait, and what is waited is not counted."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._start = process_time()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the epoch, and start the next one's."""
        now = process_time()
        pl_module.log("cpu_seconds", now - self._start)
        self._start = now
