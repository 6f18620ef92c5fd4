"""Tuning and testing of every entry, some at a time."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from trainer.compare.entries import Entry
from trainer.compare.launch import Launcher, RunFailed, RunKilled
from trainer.compare.tuning import Tuned, tune


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


def run_all(entries: Sequence[Entry], seeds: Sequence[int], launcher: Launcher, jobs: int) -> list[Outcome]:
    """Tune each entry, then run its best options with every seed; one that fails does not keep others from running.

    Trials of one entry follow each other; what comes out does not depend on ``jobs``.
    """
    with ThreadPoolExecutor(jobs) as pool:
        try:
            tuning = {pool.submit(_tune, entry, launcher, seeds[0]): entry for entry in entries}
            tested: dict[str, tuple[Tuned | str, list[Future[SeedRun | str]]]] = {}
            for future in as_completed(tuning):
                entry, tuned = tuning[future], future.result()
                left = [] if isinstance(tuned, str) else seeds
                tested[entry.name] = (
                    tuned,
                    [pool.submit(_test, entry, tuned, launcher, seed, seed == seeds[0]) for seed in left],
                )
            return [_outcome(entry, *tested[entry.name]) for entry in entries]
        except BaseException:
            launcher.stop()
            pool.shutdown(cancel_futures=True)
            raise


def _tune(entry: Entry, launcher: Launcher, seed: int) -> Tuned | str:
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
