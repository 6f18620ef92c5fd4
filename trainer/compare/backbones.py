"""Weights that models start from: pretrained once on the first seed, and not once a domain."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.domain import Domain
from data.files import sha256
from trainer.compare.parsing import PRETRAINING, parse, to_arguments
from trainer.compare.settings import BackboneSettings, Settings

#: The folder of the backbones beside those of the domains.
FOLDER = "backbones"


@dataclass(frozen=True)
class Backbone:
    """One backbone.

    Attributes:
        name: of it.
        run: the folder of its run.
        arguments: of pretrain.py, but for the run folder.
        files: checksums of the configs.
    """

    name: str
    run: Path
    arguments: tuple[str, ...]
    files: Mapping[str, str]

    def told(self) -> dict[str, Any]:
        """What decides the run, as plain values."""
        return {"arguments": list(self.arguments), "files": dict(self.files)}


def backbones_of(settings: Settings) -> list[Backbone]:
    """Those that a model starts from.

    Raises:
        ValueError: the domain or a config is missing, pretrain.py does not know an option or its value, or the domain
            is one that models are tested on.
    """
    wanted = {model.backbone for model in settings.models.values()}
    return [_backbone(settings, name, own) for name, own in settings.backbones.items() if name in wanted]


def run_of(settings: Settings, name: str) -> Path:
    """Folder of the backbone's run."""
    return settings.out / FOLDER / name / f"seed-{settings.seeds[0]}"


def _backbone(settings: Settings, name: str, own: BackboneSettings) -> Backbone:
    configs, seed = [f"--config={path}" for path in own.configs], f"--seed_everything={settings.seeds[0]}"
    arguments = (*configs, *to_arguments(own.options), seed)
    place = f"backbones.{name}"
    _check_domain(place, parse(place, arguments, PRETRAINING)["data"]["domain"], settings)
    files = {str(path): sha256(path) for path in (PRETRAINING.defaults, *own.configs)}
    return Backbone(name, run_of(settings, name), arguments, files)


def _check_domain(place: str, folder: Path, settings: Settings) -> None:
    try:
        Domain(folder).store()
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
    if tested := [name for name, shop in settings.domains.items() if shop.folder.resolve() == Path(folder).resolve()]:
        raise ValueError(f"{place}: it would train on {folder}, which {', '.join(tested)} tests on; give other shops")
