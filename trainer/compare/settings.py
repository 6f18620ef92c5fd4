"""What a comparison's yaml says."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Search:
    """Where one option of main.py is searched: among choices, or between two numbers.

    Args:
        choices: the values, each a number, text or truth.
        low: the least, a number; whole numbers are searched where both ends are whole.
        high: the most.
        log: search the logarithm.
    """

    choices: list[Any] | None = None
    low: Any = None  # not int | float: of that jsonargparse makes 20 or 20.0, as unions named elsewhere have it
    high: Any = None
    log: bool = False

    def check(self, place: str) -> None:
        """Raise ``ValueError`` unless it is one or the other, and not empty."""
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log:
                raise ValueError(f"{place}: give choices, or low and high, not both")
            if not self.choices or not all(isinstance(choice, str | int | float) for choice in self.choices):
                raise ValueError(f"{place}: choices are numbers, texts or truths, at least one; got {self.choices}")
            return
        if self.low is None or self.high is None:
            raise ValueError(f"{place}: give choices, or low and high")
        for name, end in (("low", self.low), ("high", self.high)):
            if not isinstance(end, int | float) or isinstance(end, bool):
                raise ValueError(f"{place}: {name} = {end!r} is no number")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"{place}: low = {self.low} is not below high = {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"{place}: low = {self.low} has no logarithm; give a positive one")

    def examples(self) -> list[Any]:
        """Values of it: every choice, or both ends."""
        return self.choices if self.choices is not None else [self.low, self.high]

    def __contains__(self, value: object) -> bool:
        if self.choices is not None:
            return any(type(value) is type(choice) and value == choice for choice in self.choices)
        assert self.low is not None and self.high is not None
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        kind = int if whole else int | float
        return isinstance(value, kind) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True)
class DomainSettings:
    """A shop, and what holds there for every model.

    Args:
        folder: the processed folder.
        options: of main.py, for every model: the window, say, or a share of the users (``data.user_share``), no
            training at all (``trainer.max_epochs: 0``), or a ``monitor`` or ``patience`` other than the comparison's.
        where_known: likewise, but only for models that have the option: ``model.system.init_args.time``, say.
    """

    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    where_known: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BackboneSettings:
    """Weights to start from, as pretrain.py is told of them.

    Args:
        configs: pretrain.py's config files, in order.
        options: of pretrain.py.
    """

    configs: list[Path]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelSettings:
    """A model, as main.py is told of it.

    Args:
        configs: main.py's config files, in order.
        options: of main.py; they go before a domain's.
        search: options to be searched, by name.
        trials: fewer than the comparison's, for a model with little to search; all by default, none where there is
            nothing to search.
        backbone: the one of ``backbones`` that every run starts from; from scratch by default.
        domains: those that it is asked on, for a model that cannot run on some; all by default.
    """

    configs: list[Path]
    options: dict[str, Any] = field(default_factory=dict)
    search: dict[str, Search] = field(default_factory=dict)
    trials: int | None = None
    backbone: str | None = None
    domains: list[str] | None = None

    def is_asked(self, domain: str) -> bool:
        """Whether it is to run there."""
        return self.domains is None or domain in self.domains


@dataclass(frozen=True)
class Settings:
    """Compare models under one protocol: the same splits, tuning budget, early stopping and seeds for each.

    Each model gets ``trials`` Optuna trials over its own search space on each domain, judged by the best validation
    value of ``monitor`` on the first seed; the best options then run with every seed and are tested. What is finished
    is never run again: give the same command after a stop. A backbone is pretrained once, on the first seed, like what
    is tuned; the intervals over seeds do not tell how another pretraining would have gone.

    Args:
        domains: by name.
        models: by name.
        reference: the model that the others are tested against.
        out: folder of the runs and results.
        seeds: of the tested runs; the first is tuned on.
        trials: of tuning, for each model and domain; 0 runs the configs as they are, as for ablations.
        max_epochs: of every run.
        patience: of every run: epochs without a better validation value before it stops.
        monitor: the validation metric of early stopping, of the best epoch and of tuning.
        jobs: runs at a time.
        threads: of each run; by default ``OMP_NUM_THREADS`` where it is set, else the cores divided by jobs.
        resamples: of the bootstrap over users.
        backbones: by name, for models to start from.
    """

    domains: dict[str, DomainSettings]
    models: dict[str, ModelSettings]
    reference: str
    out: Path
    seeds: list[int]
    trials: int = 0
    max_epochs: int = 200
    patience: int = 10
    monitor: str = "val/ndcg@10"
    jobs: int = 1
    threads: int | None = None
    resamples: int = 10_000
    backbones: dict[str, BackboneSettings] = field(default_factory=dict)
