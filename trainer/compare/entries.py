"""A model on a domain: the arguments of its runs, tried on main.py's own parser before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from data.domain import Domain
from data.files import sha256
from trainer.compare.backbones import run_of
from trainer.compare.parsing import FINE_TUNING, parse, to_arguments
from trainer.compare.settings import DomainSettings, ModelSettings, Search, Settings
from trainer.results import flatten


@dataclass(frozen=True)
class Entry:
    """One model on one domain.

    Attributes:
        domain: name.
        model: name.
        folder: of its runs.
        arguments: of main.py, but for seed and run folder.
        search: options to be searched.
        trials: how many.
        defaults: what the configs say of the searched options, where the search has that value.
        files: checksums of the configs.
        backbone: the name of what it starts from; None from scratch.
    """

    domain: str
    model: str
    folder: Path
    arguments: tuple[str, ...]
    search: Mapping[str, Search]
    trials: int
    defaults: Mapping[str, Any]
    files: Mapping[str, str]
    backbone: str | None

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.model} on {self.domain}"

    def run_arguments(self, options: Mapping[str, Any], seed: int) -> list[str]:
        """Of main.py, but for the run folder."""
        return [*self.arguments, *to_arguments(options), f"--seed_everything={seed}"]

    def told(self, first_seed: int) -> dict[str, Any]:
        """What decides its runs, as plain values."""
        return {
            "arguments": list(self.arguments),
            "search": {name: vars(search) for name, search in self.search.items()},
            "tuned_on": first_seed,
            "files": dict(self.files),
        }


def entries_of(settings: Settings) -> list[Entry]:
    """Every model on every domain that it is asked on.

    Raises:
        ValueError: a domain or config is missing, or main.py does not know an option or its value.
    """
    for name, domain in settings.domains.items():
        _check_domain(name, domain)
    known = {model: _known(settings, model) for model in settings.models}
    return [
        _entry(settings, (domain, settings.domains[domain]), (model, settings.models[model]), known[model])
        for domain in settings.domains
        for model in settings.models
        if settings.models[model].is_asked(domain)
    ]


def _check_domain(name: str, settings: DomainSettings) -> None:
    try:
        split = Domain(settings.folder).store().split
    except ValueError as error:
        raise ValueError(f"domains.{name}: {error}") from None
    if split != "leave_one_out":
        raise ValueError(f"domains.{name}: {settings.folder} is a pretraining domain, which has nothing to test on")


def _known(settings: Settings, model: str) -> set[str]:
    """Names of the options that the model has."""
    own = settings.models[model]
    domain = next(name for name in settings.domains if own.is_asked(name))
    common = to_arguments(_common(settings, settings.domains[domain]))
    return {*flatten(parse(f"{model} on {domain}", [*_configs(own), *common]))}


def _common(settings: Settings, shop: DomainSettings) -> dict[str, Any]:
    return {
        "data.domain": str(shop.folder),
        "monitor": settings.monitor,
        "patience": settings.patience,
        "trainer.max_epochs": settings.max_epochs,
    }


def _configs(model: ModelSettings) -> tuple[str, ...]:
    return tuple(f"--config={path}" for path in model.configs)


def _entry(
    settings: Settings, domain: tuple[str, DomainSettings], model: tuple[str, ModelSettings], known: set[str]
) -> Entry:
    place, own, shop = f"{model[0]} on {domain[0]}", model[1], domain[1]
    where_known = {name: value for name, value in shop.where_known.items() if name in known}
    start = {} if own.backbone is None else {"backbone": str(run_of(settings, own.backbone) / "best.ckpt")}
    options = _common(settings, shop) | shop.options | where_known | own.options | start
    entry = Entry(
        domain[0],
        model[0],
        settings.out / domain[0] / model[0],
        (*_configs(own), *to_arguments(options)),
        own.search,
        _trials(settings, own),
        {},
        {str(path): sha256(path) for path in (FINE_TUNING.defaults, *own.configs)},
        own.backbone,
    )
    found = flatten(parse(place, entry.run_arguments({}, settings.seeds[0])))
    for values in _examples(own.search):
        parse(place, entry.run_arguments(values, settings.seeds[0]))
    defaults = {name: found[name] for name, search in own.search.items() if found.get(name) in search}
    return replace(entry, defaults=defaults)


def _trials(settings: Settings, model: ModelSettings) -> int:
    if not model.search:
        return 0
    return settings.trials if model.trials is None else min(settings.trials, model.trials)


def _examples(search: Mapping[str, Search]) -> list[dict[str, Any]]:
    """Sets of values in which each example of each option stands once at least."""
    columns: Sequence[Sequence[Any]] = [option.examples() for option in search.values()]
    rows = zip_longest(*columns, fillvalue=None)
    return [
        {name: values[0] if value is None else value for name, value, values in zip(search, row, columns, strict=True)}
        for row in rows
    ]
