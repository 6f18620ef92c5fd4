"""What a comparison's settings may not say; what main.py would refuse, ``entries_of`` tells."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trainer.compare.settings import Settings

_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
#: What the comparison sets itself, the same for every model.
_OWN = {"seed_everything", "data.seed", "data.domain", "monitor", "patience", "trainer.max_epochs"}
_OWN |= {"config", "ckpt_path", "run_dir", "saved"}


def check(settings: Settings) -> None:
    """Raise ``ValueError`` where the settings contradict themselves."""
    for kind, names in (("domain", settings.domains), ("model", settings.models)):
        if not names:
            raise ValueError(f"{kind}s: name at least one {kind}")
        for name in names:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{kind}s: {name!r} is no name of a folder; use letters, digits and . _ + -")
    if settings.reference not in settings.models:
        raise ValueError(f"reference: no model is {settings.reference}; give one of {', '.join(settings.models)}")
    if not settings.seeds or len(set(settings.seeds)) < len(settings.seeds):
        raise ValueError(f"seeds: give at least one, each once; got {settings.seeds}")
    _check_counts(settings)
    for name, model in settings.models.items():
        for option, search in model.search.items():
            search.check(f"models.{name}.search.{option}")
        if both := model.options.keys() & model.search.keys():
            raise ValueError(f"models.{name}: {', '.join(sorted(both))} is both an option and searched")
    for place, options in _options(settings):
        if taken := [option for option in options if option in _OWN]:
            raise ValueError(f"{place}.{taken[0]}: the comparison sets it itself, the same for every model")


def _check_counts(settings: Settings) -> None:
    for name in ("jobs", "threads", "max_epochs", "patience", "resamples"):
        if (value := getattr(settings, name)) is not None and value < 1:
            raise ValueError(f"{name} = {value}: it counts from 1")
    trials = {"trials": settings.trials} | {
        f"models.{name}.trials": model.trials or 0 for name, model in settings.models.items()
    }
    for name, value in trials.items():
        if value < 0:
            raise ValueError(f"{name} = {value}: it counts from 0")


def _options(settings: Settings) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, domain in settings.domains.items():
        yield f"domains.{name}.options", domain.options
        yield f"domains.{name}.where_known", domain.where_known
    for name, model in settings.models.items():
        yield f"models.{name}.options", model.options
        yield f"models.{name}.search", model.search
