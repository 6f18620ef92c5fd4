"""A run of 0 epochs: weights that were trained elsewhere, as they are."""

import logging
from collections.abc import Sequence
from pathlib import Path

import lightning as L

from data.datamodule import DomainData
from model import ClosedForm, SequenceModel
from trainer.recommender import Recommender
from trainer.transfer import Row

logger = logging.getLogger(__name__)

_ROWS = ("ids", "id_bias")  # arguments that give a system a learned row an item


def check_zero_shot(system: SequenceModel, data: DomainData, backbone: Path | None) -> None:
    """Raise ``ValueError`` unless there are weights that were trained before, and something to test them on."""
    name = type(system).__name__
    if isinstance(system, ClosedForm):
        raise ValueError(f"trainer.max_epochs is 0, but {name} knows only what it counts: give it 1 epoch")
    if backbone is None:
        what = f"trainer.max_epochs is 0, and the weights of an untrained {name} are random"
        raise ValueError(f"{what}: give trained ones with --backbone, or 1 epoch or more")
    if data.holdout != "leave_one_out":
        what = f"trainer.max_epochs is 0, and with data.holdout {data.holdout} there is nothing to test"
        raise ValueError(f"{what}: set data.holdout to leave_one_out, or give 1 epoch or more")


def keep_untrained(trainer: L.Trainer, model: Recommender, data: DomainData, path: Path) -> dict[str, float]:
    """Validate the weights as they are, write them as a checkpoint, and give the validation metrics."""
    loggers, trainer.loggers = trainer.loggers, []  # a curve begins with the first epoch, and there is none
    trainer.validate(model, data, verbose=False)
    trainer.loggers = loggers
    trainer.save_checkpoint(path, weights_only=False)  # with the record of what it is; there is no optimizer
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


def warn_of_noise(rows: Sequence[Row], system: SequenceModel) -> None:
    """Say which rows an item no backbone gave and nothing will train: random numbers in every score."""
    state = system.state_dict()
    noise = [row.name for row in rows if row.fate == "new (item-bound)" and state[row.name].any()]
    if noise:
        options = [f"--model.system.init_args.{name} false" for name in _ROWS if system.arguments.get(name)]
        names, remedy = ", ".join(noise), " ".join(options)
        logger.warning("untrained noise in every score: %s has a random row an item. Leave it out: %s", names, remedy)
