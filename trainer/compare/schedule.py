"""Pretraining of every backbone, tuning and testing of every entry, some at a time."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.compare.backbones import Backbone
from trainer.compare.entries import Entry
from trainer.compare.launch import Launcher, RunFailed, RunKilled
from trainer.compare.tuning import Tuned, tune


@dataclass(frozen=True)
class Pretrained:
    """What became of a backbone; ``error`` is None where it is there."""

    backbone: Backbone
    command: str
    error: str | None


@dataclass(frozen=True)
class SeedRun:
    """A tested run."""

    seed: int
    folder: Path
    command: str


@dataclass(frozen=True)
class Outcome:
    """What became of an entry.

    Attributes:
        entry: which.
        tuned: None where tuning failed.
        runs: one a seed, in order; empty where one failed.
        error: why it failed; None where all is there.
    """

    entry: Entry
    tuned: Tuned | None
    runs: list[SeedRun]
    error: str | None


def run_all(
    backbones: Sequence[Backbone], entries: Sequence[Entry], seeds: Sequence[int], launcher: Launcher, jobs: int
) -> tuple[list[Pretrained], list[Outcome]]:
    """Pretrain; tune each entry, then run its best options with every seed.

    What fails does not keep others from running, but for what starts from a backbone that failed. Trials of one entry
    follow each other; what comes out does not depend on ``jobs``.
    """
    with ThreadPoolExecutor(jobs) as pool:
        try:
            pretraining = {pool.submit(_pretrain, backbone, launcher): backbone.name for backbone in backbones}
            tuning = {pool.submit(_tune, one, None, launcher, seeds[0]): one for one in entries if not one.backbone}
            tested: dict[str, tuple[Tuned | str, list[Future[SeedRun | str]]]] = {}
            for future in _as_they_end(pretraining, tuning):
                if future in pretraining:
                    after = [entry for entry in entries if entry.backbone == pretraining[future]]
                    tuning |= {pool.submit(_tune, one, future.result(), launcher, seeds[0]): one for one in after}
                    continue
                entry, tuned = tuning[future], future.result()
                left = [] if isinstance(tuned, str) else seeds
                tested[entry.name] = (
                    tuned,
                    [pool.submit(_test, entry, tuned, launcher, seed, seed == seeds[0]) for seed in left],
                )
            outcomes = [_outcome(entry, *tested[entry.name]) for entry in entries]
            return [future.result() for future in pretraining], outcomes
        except BaseException:
            launcher.stop()
            pool.shutdown(cancel_futures=True)
            raise


def _as_they_end(*groups: Mapping[Future[Any], Any]) -> Iterator[Future[Any]]:
    """The futures of mappings that may grow meanwhile."""
    ended: set[Future[Any]] = set()
    while pending := {future for group in groups for future in group} - ended:
        done = wait(pending, return_when=FIRST_COMPLETED).done
        ended |= done
        yield from [future for group in groups for future in group if future in done]


def _pretrain(backbone: Backbone, launcher: Launcher) -> Pretrained:
    command = launcher.command(backbone.arguments, backbone.run, "pretrain.py")
    try:
        launcher.run(backbone.arguments, backbone.run, "pretrain.py")
    except (RunFailed, RunKilled) as error:
        return Pretrained(backbone, command, str(error))
    return Pretrained(backbone, command, None)


def _tune(entry: Entry, start: Pretrained | None, launcher: Launcher, seed: int) -> Tuned | str:
    if start is not None and start.error is not None:
        return f"backbone {entry.backbone}: {start.error}"
    try:
        return tune(entry, launcher, seed)
    except (RunFailed, RunKilled) as error:
        return f"tuning: {error}"


def _test(entry: Entry, tuned: Tuned | str, launcher: Launcher, seed: int, tuned_on: bool) -> SeedRun | str:
    """The seed that was tuned on has its run already: the best trial."""
    assert isinstance(tuned, Tuned)
    arguments, folder = entry.run_arguments(tuned.options, seed), entry.folder / f"seed-{seed}"
    if tuned_on and tuned.folder is not None:
        folder = tuned.folder
    try:
        launcher.run(arguments, folder)
    except (RunFailed, RunKilled) as error:
        return f"seed {seed}: {error}"
    return SeedRun(seed, folder, launcher.command(arguments, folder))


def _outcome(entry: Entry, tuned: Tuned | str, futures: Sequence[Future[SeedRun | str]]) -> Outcome:
    if isinstance(tuned, str):
        return Outcome(entry, None, [], tuned)
    found = [future.result() for future in futures]
    errors = [one for one in found if isinstance(one, str)]
    runs = [one for one in found if isinstance(one, SeedRun)]
    return Outcome(entry, tuned, [], "; ".join(errors)) if errors else Outcome(entry, tuned, runs, None)
