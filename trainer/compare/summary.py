"""A comparison's result as plain values: what ``result.json`` holds and the tables are made of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import torch

from data.domain import Domain
from data.errors import bad
from trainer.compare.schedule import Outcome, Pretrained
from trainer.compare.settings import DomainSettings, Settings
from trainer.compare.statistics import Floats, holm, paired_bootstrap, t_interval
from trainer.finished_run import FinishedRun, read_run
from trainer.metrics import ndcg
from trainer.results import READINGS
from trainer.user_results import UserResults

_SEED = 2020  # of the bootstrap


def summarise(outcomes: Sequence[Outcome], settings: Settings) -> dict[str, Any]:
    """By domain its facts and, by model, means over seeds, list properties, slices and differences.

    Raises:
        ValueError: a run's folder lacks something, or runs of one domain tested different users.
    """
    found: dict[str, Any] = {}
    for name, domain in settings.domains.items():
        theirs = [outcome for outcome in outcomes if outcome.entry.domain == name]
        models = {outcome.entry.model: _model(outcome) for outcome in theirs}
        for model, differences in _differences(theirs, settings).items():
            models[model]["against_reference"] = differences
        found[name] = _facts(domain, settings) | {"models": models}
    _correct(found)
    return found


def summarise_backbones(pretrained: Sequence[Pretrained]) -> dict[str, Any]:
    """By backbone its command and what ``train.json`` tells of it."""
    return {one.backbone.name: _backbone(one) for one in pretrained}


def _backbone(pretrained: Pretrained) -> dict[str, Any]:
    run = pretrained.backbone.run
    told = {"error": pretrained.error, "folder": str(run), "command": pretrained.command}
    if pretrained.error is not None:
        return told
    facts = orjson.loads((run / "train.json").read_bytes())
    return told | {name: facts[name] for name in ("domain", "best_val", "epochs_to_best", "seconds", "parameters")}


def _facts(settings: DomainSettings, whole: Settings) -> dict[str, Any]:
    """Of the shop, and how models are judged there; ``share`` of its users train."""
    domain = Domain(settings.folder)
    store = domain.store()
    untrained = settings.options.get("trainer.max_epochs") == 0
    return {"folder": str(domain.path), "users": len(store), "items": len(domain.items),
            "interactions": len(store.items), "repeat_rate": store.repeat_rate(), "options": settings.options,
            "monitor": settings.options.get("monitor", whole.monitor),
            "share": 0.0 if untrained else float(settings.options.get("data.user_share", 1.0))}  # fmt: skip


def _model(outcome: Outcome) -> dict[str, Any]:
    told = {
        "error": outcome.error,
        "options": dict(outcome.tuned.options) if outcome.tuned else {},
        "trials": outcome.tuned.trials if outcome.tuned else [],
    }
    if outcome.error is not None:
        return told
    runs = [read_run(run.folder) for run in outcome.runs]
    return told | {
        "runs": [{"seed": run.seed, "folder": str(run.folder), "command": run.command} for run in outcome.runs],
        "metrics": {name: _spread([run.metrics[name] for run in runs]) for name in runs[0].metrics},
        "best_val": _spread([run.best_monitored for run in runs]),
        "best_epochs": [run.best_epoch for run in runs],
        "seconds": _spread([run.seconds for run in runs]),
        "parameters": runs[0].parameters,
        **_beyond(runs),
    }


def _spread(values: Sequence[float | None]) -> dict[str, Any]:
    """Mean, half the 95 % interval (None of one seed), and each seed's."""
    numbers = [value for value in values if value is not None]
    mean, half = t_interval(numbers) if len(numbers) == len(values) else (None, None)
    return {"mean": mean, "half": half, "seeds": list(values)}


def _beyond(runs: Sequence[FinishedRun]) -> dict[str, Any]:
    """Means over seeds of what ``slices.json`` holds."""
    found = [_slices(run) for run in runs]
    return {name: _mean([one[name] for one in found]) for name in ("lists", "history_length", "popularity")}


def _slices(run: FinishedRun) -> Mapping[str, Any]:
    path = run.folder / "slices.json"
    if not path.is_file():
        raise bad(path, "there is no such file", "Remove the run's folder, to run it again")
    slices: dict[str, Any] = orjson.loads(path.read_bytes())
    return slices


def _mean(values: Sequence[Any]) -> Any:
    """Of numbers, or of lists and mappings of them; of those that are not None; texts stay."""
    first = values[0]
    if isinstance(first, dict):
        return {key: _mean([value[key] for value in values]) for key in first}
    if isinstance(first, list):
        return [_mean(parts) for parts in zip(*values, strict=True)]
    if isinstance(first, str):
        return first
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _differences(outcomes: Sequence[Outcome], settings: Settings) -> dict[str, dict[str, dict[str, float]]]:
    """By model and reading, NDCG@10 less the reference's over the same users; nothing where there is no reference."""
    gains = {outcome.entry.model: _gains(outcome) for outcome in outcomes if outcome.error is None}
    others = [model for model in gains if model != settings.reference]
    if settings.reference not in gains or not others:
        return {}
    users, reference_U2 = gains[settings.reference]
    columns: list[Floats] = []
    for model in others:
        if not torch.equal(users, gains[model][0]):
            raise ValueError(f"{model} and {settings.reference} were not tested on the same users")
        columns.append(gains[model][1] - reference_U2)
    found = iter(paired_bootstrap(np.concatenate(columns, axis=1), settings.resamples, _SEED))
    return {model: {stage: next(found)._asdict() for stage in READINGS} for model in others}


def _gains(outcome: Outcome) -> tuple[torch.Tensor, Floats]:
    """Users, and each one's NDCG@10 in both readings, mean over seeds, ``(U, 2)``."""
    results = [UserResults.read(run.folder) for run in outcome.runs]
    gains = [[ndcg(result.of(stage)[0]).numpy() for stage in READINGS] for result in results]
    return results[0].users, np.mean(gains, axis=0).T


def _correct(domains: Mapping[str, Any]) -> None:
    """Holm's correction over every difference of the whole comparison."""
    tests = [
        test
        for domain in domains.values()
        for model in domain["models"].values()
        for test in model.get("against_reference", {}).values()
    ]
    for test, p in zip(tests, holm([test["p"] for test in tests]), strict=True):
        test["p_corrected"] = p
