"""The command line of main.py, pretrain.py and test.py: LightningCLI, a run folder, loggers and callbacks."""

import logging
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import torch
from jsonargparse import ArgumentError
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from data.datamodule import DomainData
from data.errors import bad, exit_on_bad_input
from trainer.allocator import keep_freed_memory
from trainer.averaging import WeightAverage
from trainer.callbacks import EpochLines, StepSeed, Throughput
from trainer.checkpoint import read_checkpoint, record_differences, system_weights
from trainer.config_place import place_of
from trainer.recommender import Recommender
from trainer.results import command_line, facts_of, flatten, write_results, write_training, write_user_results
from trainer.run_folder import keep_metrics, log_to, new_folder
from trainer.transfer import Row, format_rows, transfer
from trainer.user_results import KeepUserResults
from trainer.zero_shot import check_zero_shot, keep_untrained, warn_of_noise

logger = logging.getLogger(__name__)

CONFIGS = Path(__file__).parent.parent / "configs"


class RunCLI(LightningCLI):
    """Arguments common to the three commands; ``fit`` and ``test`` do the work.

    Args:
        defaults: configuration files read before the user's.
    """

    def __init__(self, *defaults: Path) -> None:
        super().__init__(
            Recommender,
            DomainData,
            run=False,
            auto_configure_optimizers=False,
            save_config_kwargs={"overwrite": True},
            parser_kwargs={"default_config_files": [str(path) for path in defaults], "exit_on_error": False},
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """A wrong argument or config is bad input like any other: one message, without the usage's pages."""
        try:
            super().parse_arguments(parser, args)
        except ArgumentError as error:
            raise ValueError(f"{place_of(error.message, sys.argv[1:])}{error.message} (all options: --help)") from None

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Declare what the run itself takes."""
        parser.add_argument("--saved", type=Path, default=Path("saved"), help="where run folders go")
        parser.add_argument("--run_dir", type=Path | None, default=None,
                            help="the run's folder; <saved>/<Model>/<Domain>/<time> by default, and when resuming, "
                            "the checkpoint's")  # fmt: skip
        parser.add_argument("--ckpt_path", type=Path | None, default=None,
                            help="resume from this last.ckpt; test.py: the checkpoint to test")  # fmt: skip
        parser.add_argument("--backbone", type=Path | None, default=None, help="start from these weights")
        parser.add_argument("--new", type=list[str], default=[], help="tensors that the backbone may lack (patterns)")
        parser.add_argument("--drop", type=list[str], default=[], help="tensors of the backbone to leave behind")
        parser.add_argument("--monitor", type=str, default="val/ndcg@10", help="the metric that picks the best epoch")
        parser.add_argument("--patience", type=int, default=10, help="epochs without a better one before stopping")
        parser.add_argument("--average", type=float, default=0.0, help="validate, test and keep a moving average of "
                            "the weights that keeps this share of itself a step, such as 0.99; 0 for none")  # fmt: skip
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        parser.link_arguments("data.window", "model.system.init_args.window")
        parser.link_arguments("data.modalities", "model.system.init_args.modalities")

    def before_instantiate_classes(self) -> None:
        """Refuse what cannot work before anything is made."""
        config = self.config
        self.resume: Path | None = config.ckpt_path
        if self.resume is None and not self.trains:
            raise ValueError("--ckpt_path is missing: give the checkpoint to test, e.g. the best.ckpt of a run")
        # a checkpoint to go on from, or to test, holds what its own run took from a backbone
        self.backbone: Path | None = None if self.resume else config.backbone
        if self.backbone is not None:
            read_checkpoint(self.backbone)
        if self.resume is not None:
            self._check_resume(self.resume)

    @property
    def zero_shot(self) -> bool:
        """Whether the weights are tested as they were transferred."""
        return self.trains and self.resume is None and self.config.trainer.max_epochs == 0

    def _check_resume(self, path: Path) -> None:
        checkpoint, folder = read_checkpoint(path), self.config.run_dir
        if not self.trains:
            return
        if not checkpoint.get("optimizer_states"):
            raise bad(path, "holds weights only, no training to resume", "Start a new run from it with --backbone")
        if folder is not None and folder.resolve() != path.parent.resolve():
            raise bad(folder, f"a resumed run goes on in its own folder, {path.parent}", "Leave --run_dir out")

    def instantiate_trainer(self, **kwargs: Any) -> L.Trainer:
        """The trainer with our loggers and callbacks beside the user's; the folder is made once all else holds."""
        self.datamodule.setup("fit" if self.trains and not self.zero_shot else "test")
        self.model.check(self.datamodule)
        if self.zero_shot:
            check_zero_shot(self.model.system, self.datamodule, self.backbone)
        validates = self.datamodule.holdout != "none"
        if validates and self.config.monitor not in (known := self.model.monitors):
            raise ValueError(f"--monitor {self.config.monitor}: no such metric; give one of {', '.join(known)}")
        folder = self.folder = self._folder()
        log_to(folder)
        logger.info("command: %s", command_line())
        logger.info("run folder: %s", folder)
        keep_metrics(folder)
        # the step's log is flushed at each epoch, when validation adds its own
        loggers = [TensorBoardLogger(folder, name="", version="", default_hp_metric=False),
                   CSVLogger(folder, name="", version="")]  # fmt: skip
        callbacks = [*(self._get(self.config_init, "trainer.callbacks") or []), *self._callbacks(folder, validates)]
        terminal = {} if sys.stderr.isatty() else {"enable_progress_bar": False}
        settings = terminal | kwargs | {"logger": loggers, "callbacks": callbacks, "default_root_dir": folder}
        try:
            return super().instantiate_trainer(**settings)
        except MisconfigurationException:  # e.g. a GPU asked for where there is none: leave no empty run behind
            if self.resume is None or not self.trains:
                shutil.rmtree(folder)
            raise

    def fit(self) -> None:
        """Train, from scratch, from a backbone or resumed; with 0 epochs keep what was transferred as it is.

        Writes ``train.json``: it is there when training is over.
        """
        rows = [] if self.backbone is None else self._transfer(self.backbone)
        if self.zero_shot:
            warn_of_noise(rows, self.model.system)
            metrics = keep_untrained(self.trainer, self.model, self.datamodule, self.folder / "best.ckpt")
            self.lines.best_value = metrics[self.config.monitor]
            logger.info("no training: %s %.4f", self.config.monitor, self.lines.best_value)
        else:
            self.trainer.fit(self.model, datamodule=self.datamodule, ckpt_path=self.resume, weights_only=True)
        logger.info("best epoch %d, checkpoint %s", self.lines.best_epoch, self.folder / "best.ckpt")
        write_training(self.folder, self._facts())

    def test(self, checkpoint: Path) -> None:
        """Test a checkpoint and write ``test.json``."""
        facts = self._facts() | {"checkpoint": str(checkpoint)}  # testing takes the callbacks back to the best epoch
        self.trainer.test(self.model, self.datamodule, ckpt_path=checkpoint, verbose=False, weights_only=True)
        if (results := self.kept.results(self.datamodule)) is not None:
            write_user_results(self.folder, results, self.datamodule)
        found = self.trainer.callback_metrics.items()
        metrics = {name: float(value) for name, value in found if name.startswith("test")}
        write_results(self.folder, metrics, facts)
        self.log_hyperparameters(metrics)

    def log_hyperparameters(self, metrics: dict[str, float]) -> None:
        """The whole configuration beside the final metrics, for TensorBoard's HParams page."""
        tensorboard = self.trainer.loggers[0]
        assert isinstance(tensorboard, TensorBoardLogger)
        tensorboard.log_hyperparams(flatten(self.config.as_dict()), metrics)

    def _folder(self) -> Path:
        config = self.config
        if self.resume is not None and self.trains:
            return self.resume.parent
        if config.run_dir is None:
            return new_folder(config.saved, type(self.model.system).__name__, self.datamodule.domain.name)
        if config.run_dir.is_dir() and any(config.run_dir.iterdir()):
            remedy = "Resume it (--ckpt_path its last.ckpt), remove it, or choose another --run_dir"
            raise bad(config.run_dir, "the run folder is not empty", remedy)
        return Path(config.run_dir)

    trains = True

    def _callbacks(self, folder: Path, validates: bool) -> list[L.Callback]:
        config = self.config
        self.lines = EpochLines(config.monitor)
        best = ModelCheckpoint(
            folder,
            filename="best",
            monitor=config.monitor if validates else None,
            mode="max",
            enable_version_counter=False,
        )
        # save_last beside a monitor writes only where the monitor improves: a resumed run would go back
        last = ModelCheckpoint(folder, filename="last", save_on_train_epoch_end=True, enable_version_counter=False)
        stop = [EarlyStopping(config.monitor, mode="max", patience=config.patience)] if validates else []
        average = [WeightAverage(config.average)] if config.average else []
        seed = StepSeed(self.datamodule.seed)
        self.kept = KeepUserResults()
        return [seed, Throughput(), *average, self.lines, LearningRateMonitor(), *stop, best, last, self.kept]

    def _facts(self) -> dict[str, Any]:
        backbone = self.config.backbone  # of a resumed run too
        return facts_of(self.model, self.datamodule, self.lines) | {"backbone": str(backbone) if backbone else None}

    def _transfer(self, path: Path) -> list[Row]:
        checkpoint = read_checkpoint(path)
        self.model.bind(self.datamodule)
        for difference in record_differences(checkpoint, self.model.system, self.datamodule):
            logger.warning("backbone %s: %s", path, difference)
        rows = transfer(system_weights(checkpoint), self.model.system, self.config.new, self.config.drop)
        logger.info("weights from %s:\n%s", path, format_rows(rows))
        return rows


class TestCLI(RunCLI):
    """The command line of test.py: ``--ckpt_path`` is the checkpoint to test."""

    __test__ = False  # not a test case of pytest's
    trains = False

    def before_instantiate_classes(self) -> None:
        """The config of a run names that run's folder, which is not ours to write to."""
        super().before_instantiate_classes()
        assert self.resume is not None
        folder = self.config.run_dir
        if folder is not None and folder.resolve() == self.resume.parent.resolve():
            self.config.run_dir = None


def run(command: Callable[[], None]) -> None:
    """Run a command; bad input exits 2 with one message. Determinism is not optional."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)  # until the run has its log
    warnings.filterwarnings("ignore", message=".*exists and is not empty")  # the folder holds its log already
    warnings.filterwarnings("ignore", message=".*smaller than the logging interval|.*LeafSpec.*is deprecated")
    keep_freed_memory()
    with exit_on_bad_input():
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            command()
        except MisconfigurationException as error:
            raise ValueError(str(error)) from None
