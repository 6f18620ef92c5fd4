"""A model on a domain: the arguments of its runs, tried on main.py's own parser before anything runs."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson

from data.domain import Domain
from data.errors import bad
from data.files import atomic_file, sha256
from trainer.compare.parsing import DEFAULTS, parse
from trainer.compare.settings import DomainSettings, ModelSettings, Search, Settings
from trainer.results import flatten

logger = logging.getLogger(__name__)


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
    """

    domain: str
    model: str
    folder: Path
    arguments: tuple[str, ...]
    search: Mapping[str, Search]
    trials: int
    defaults: Mapping[str, Any]
    files: Mapping[str, str]

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.model} on {self.domain}"

    def run_arguments(self, options: Mapping[str, Any], seed: int) -> list[str]:
        """Of main.py, but for the run folder."""
        return [*self.arguments, *to_arguments(options), f"--seed_everything={seed}"]


def entries_of(settings: Settings) -> list[Entry]:
    """Every model on every domain.

    Raises:
        ValueError: a domain or config is missing, or main.py does not know an option or its value.
    """
    for name, domain in settings.domains.items():
        _check_domain(name, domain)
    return [
        _entry(settings, (domain, settings.domains[domain]), (model, settings.models[model]))
        for domain in settings.domains
        for model in settings.models
    ]


def claim(entry: Entry, first_seed: int) -> None:
    """Write what decides the entry's runs beside them, once.

    Raises:
        ValueError: the folder holds runs of other settings.
    """
    told = {
        "arguments": list(entry.arguments),
        "search": {name: vars(search) for name, search in entry.search.items()},
        "tuned_on": first_seed,
        "files": dict(entry.files),
    }
    path = entry.folder / "entry.json"
    if not path.is_file():
        with atomic_file(path) as part:
            part.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        return
    was = orjson.loads(path.read_bytes())
    if differing := [name for name, value in told.items() if was.get(name) != value]:
        what = f"the runs here are of other {', '.join(differing)} than the comparison says now"
        raise bad(entry.folder, what, "Give another --out, or remove this folder to run them again")


def to_arguments(options: Mapping[str, Any]) -> list[str]:
    """``--name=value`` of each; what is not a text is JSON."""
    return [f"--{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in options.items()]


def _check_domain(name: str, settings: DomainSettings) -> None:
    try:
        split = Domain(settings.folder).store().split
    except ValueError as error:
        raise ValueError(f"domains.{name}: {error}") from None
    if split != "leave_one_out":
        raise ValueError(f"domains.{name}: {settings.folder} is a pretraining domain, which has nothing to test on")


def _entry(settings: Settings, domain: tuple[str, DomainSettings], model: tuple[str, ModelSettings]) -> Entry:
    place, own, shop = f"{model[0]} on {domain[0]}", model[1], domain[1]
    configs = tuple(f"--config={path}" for path in own.configs)
    common = {
        "data.domain": str(shop.folder),
        "monitor": settings.monitor,
        "patience": settings.patience,
        "trainer.max_epochs": settings.max_epochs,
    }
    known = flatten(parse(place, [*configs, *to_arguments(common)]))
    where_known = {name: value for name, value in shop.where_known.items() if name in known}
    options = common | shop.options | where_known | own.options
    entry = Entry(
        domain[0],
        model[0],
        settings.out / domain[0] / model[0],
        (*configs, *to_arguments(options)),
        own.search,
        _trials(settings, own),
        {},
        {str(path): sha256(path) for path in (DEFAULTS, *own.configs)},
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
