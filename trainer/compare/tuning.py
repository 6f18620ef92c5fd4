"""The best of a number of Optuna trials, each a run of main.py on the first seed."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import orjson
from filelock import FileLock
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from trainer.compare.entries import Entry
from trainer.compare.launch import Launcher, RunFailed
from trainer.compare.settings import Search

logger = logging.getLogger(__name__)

_DONE = (TrialState.COMPLETE, TrialState.FAIL)
_RANDOM = 4  # trials before the sampler learns from earlier ones


@dataclass(frozen=True)
class Tuned:
    """What tuning came to.

    Attributes:
        options: the best.
        folder: of the run that had them, on the first seed; None where nothing was tuned.
        trials: one row a trial: number, options, value or message.
    """

    options: Mapping[str, Any]
    folder: Path | None
    trials: list[dict[str, Any]]


def tune(entry: Entry, launcher: Launcher, seed: int) -> Tuned:
    """Run what is left of the entry's trials.

    The first trial is the config as it stands, where the search has its values. Trials are taken one after the other
    and each is drawn from the seed, its number and the earlier ones, so a killed study goes on as it would have.
    Options that were tried before count as a trial, with the earlier value.

    Raises:
        RunFailed: no trial came to a value.
        RunKilled: a run was ended from outside; its trial stays open.
    """
    if not entry.trials:
        return Tuned({}, None, [])
    study = _study(entry)
    while (number := len(study.get_trials(deepcopy=False, states=_DONE))) < entry.trials:
        study.sampler = _sampler(seed, number)
        trial = _open_trial(study)
        options = {name: _suggest(trial, name, search) for name, search in entry.search.items()}
        _run_trial(study, trial, options, entry, launcher, seed)
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not complete:
        failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
        raise RunFailed(f"none of {len(failed)} trials; the last: {failed[-1].user_attrs['message']}")
    best = max(complete, key=lambda trial: (trial.value, -trial.number))
    return Tuned(best.params, Path(best.user_attrs["folder"]), [_row(trial) for trial in study.trials])


class _Lock:
    """Of a study's journal, in the shape that Optuna asks for. It ends with the process that has it.

    Optuna's own stay behind when that process is killed inside; where the path is relative, for ever.
    """

    def __init__(self, journal: Path) -> None:
        self._lock = FileLock(journal.with_name(f".{journal.name}.lock"))

    def acquire(self) -> bool:
        self._lock.acquire()
        return True

    def release(self) -> None:
        self._lock.release()


def _study(entry: Entry) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    entry.folder.mkdir(parents=True, exist_ok=True)
    journal = entry.folder / "study.journal"
    storage = JournalStorage(JournalFileBackend(str(journal), lock_obj=_Lock(journal)))  # type: ignore[arg-type]
    study = optuna.create_study(
        storage=storage, study_name=entry.name, direction="maximize", load_if_exists=True, sampler=_sampler(0, 0)
    )
    if not study.trials and entry.defaults.keys() == entry.search.keys():
        study.enqueue_trial(dict(entry.defaults))
    return study


def _sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    """A sampler keeps no state over a kill: each trial has its own."""
    return optuna.samplers.TPESampler(
        seed=(seed * 1_000_003 + number) % 2**32, n_startup_trials=_RANDOM, multivariate=False, constant_liar=False
    )


def _open_trial(study: optuna.Study) -> Trial:
    """The one that a kill left open, else a new one."""
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return Trial(study, running[0]._trial_id) if running else study.ask()


def _suggest(trial: Trial, name: str, search: Search) -> Any:
    if search.choices is not None:
        return trial.suggest_categorical(name, search.choices)
    low, high = search.low, search.high
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high, log=search.log)
    assert low is not None and high is not None
    return trial.suggest_float(name, float(low), float(high), log=search.log)


def _run_trial(
    study: optuna.Study, trial: Trial, options: Mapping[str, Any], entry: Entry, launcher: Launcher, seed: int
) -> None:
    folder = entry.folder / f"trial-{trial.number:03d}"
    for earlier in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        if earlier.params == options:
            folder = Path(earlier.user_attrs["folder"])
    try:
        launcher.run(entry.run_arguments(options, seed), folder)
        value = orjson.loads((folder / "test.json").read_bytes())["best_val"]
        if value is None:
            raise RunFailed("its validation metric was never a number")
    except RunFailed as error:
        logger.warning("%s, trial %d failed: %s", entry.name, trial.number, error)
        trial.set_user_attr("message", str(error))
        study.tell(trial, state=TrialState.FAIL)
        return
    trial.set_user_attr("folder", str(folder))
    study.tell(trial, value)
    logger.info("%s, trial %d of %d: %.4f with %s", entry.name, trial.number + 1, entry.trials, value, dict(options))


def _row(trial: FrozenTrial) -> dict[str, Any]:
    return {"number": trial.number, "options": trial.params, "value": trial.value if trial.value is not None else None,
            "message": trial.user_attrs.get("message")}  # fmt: skip
