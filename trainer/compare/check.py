"""What a comparison's settings may not say; what main.py would refuse, ``entries_of`` tells."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trainer.compare.backbones import FOLDER
from trainer.compare.settings import ModelSettings, Settings

_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
#: What a run is told by its place in the comparison, whoever gives options.
_OWN = {"seed_everything", "data.seed", "config", "ckpt_path", "run_dir", "saved"}
#: The protocol: a domain may have its own, the same for every model.
_PROTOCOL = {"monitor", "patience", "trainer.max_epochs", "data.user_share"}
#: Names of folders beside the domains'.
_TAKEN = {FOLDER, "tensorboard"}


def check(settings: Settings) -> None:
    """Raise ``ValueError`` where the settings contradict themselves."""
    _check_names(settings)
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
        _check_asked(settings, name, model)
    for domain in settings.domains:
        if not any(model.is_asked(domain) for model in settings.models.values()):
            raise ValueError(f"domains.{domain}: no model is asked there")
    for place, options, own in _options(settings):
        if taken := [option for option in options if option in own]:
            raise ValueError(f"{place}.{taken[0]}: the comparison sets it itself, the same for every model")


def _check_names(settings: Settings) -> None:
    kinds: dict[str, Mapping[str, Any]] = {"domain": settings.domains, "model": settings.models}
    for kind, names in kinds.items():
        if not names:
            raise ValueError(f"{kind}s: name at least one {kind}")
    for kind, names in (kinds | {"backbone": settings.backbones}).items():
        for name in names:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{kind}s: {name!r} is no name of a folder; use letters, digits and . _ + -")
    if taken := sorted(_TAKEN & settings.domains.keys()):
        raise ValueError(f"domains: {taken[0]} is a folder of the comparison's own; give another name")


def _check_asked(settings: Settings, name: str, model: ModelSettings) -> None:
    """What a model starts from and where it is asked."""
    if model.backbone is not None and model.backbone not in settings.backbones:
        known = ", ".join(settings.backbones) or "there are none"
        raise ValueError(f"models.{name}.backbone: no backbone is {model.backbone} ({known})")
    if model.backbone is not None and "backbone" in model.options:
        raise ValueError(f"models.{name}: give its backbone once, by name or as an option")
    asked = settings.domains if model.domains is None else model.domains
    if not asked or len(set(asked)) < len(asked):
        raise ValueError(f"models.{name}.domains: give at least one, each once; got {model.domains}")
    if unknown := [domain for domain in asked if domain not in settings.domains]:
        known = ", ".join(settings.domains)
        raise ValueError(f"models.{name}.domains: no domain is {unknown[0]}; give some of {known}")
    starts = model.backbone is not None or "backbone" in model.options
    if not starts and (idle := [one for one in asked if settings.domains[one].options.get("trainer.max_epochs") == 0]):
        what = f"nothing trains on {idle[0]}, and it starts from no backbone"
        raise ValueError(f"models.{name}: {what}; give the domains that it can run on (domains: […])")


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


def _options(settings: Settings) -> Iterator[tuple[str, Mapping[str, Any], set[str]]]:
    """The place, the options there, and those that it may not give."""
    every = _OWN | _PROTOCOL | {"data.domain"}
    for name, domain in settings.domains.items():
        yield f"domains.{name}.options", domain.options, _OWN | {"data.domain", "backbone"}
        yield f"domains.{name}.where_known", domain.where_known, every | {"backbone"}
    for name, model in settings.models.items():
        yield f"models.{name}.options", model.options, every
        yield f"models.{name}.search", model.search, every
    for name, backbone in settings.backbones.items():
        yield f"backbones.{name}.options", backbone.options, _OWN
