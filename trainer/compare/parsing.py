"""The commands' own parsers, without a run: what they would refuse is refused before a comparison begins."""

import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jsonargparse import ArgumentError
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI

from trainer.cli import CONFIGS, RunCLI
from trainer.config_place import place_of


class Command(NamedTuple):
    """A script, and the config that it reads before the user's."""

    script: str
    defaults: Path


FINE_TUNING = Command("main.py", CONFIGS / "finetune" / "default.yaml")
PRETRAINING = Command("pretrain.py", CONFIGS / "pretrain" / "default.yaml")


class _ParseOnly(RunCLI):
    """Parses, and makes nothing."""

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        LightningCLI.parse_arguments(self, parser, args)  # the place is told by the comparison's yaml, see below

    def _set_seed(self) -> None:
        pass

    def before_instantiate_classes(self) -> None:
        pass

    def instantiate_classes(self) -> None:
        pass


def parse(place: str, arguments: Sequence[str], command: Command = FINE_TUNING) -> dict[str, Any]:
    """The configuration that the command would have with these arguments.

    Args:
        place: named in messages.
        arguments: of the command.
        command: which.

    Raises:
        ValueError: it would not take them.
    """
    ours = sys.argv
    sys.argv = [command.script, *arguments]  # what LightningCLI reads
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config: dict[str, Any] = _ParseOnly(command.defaults).config.as_dict()
    except ArgumentError as error:
        message = " ".join(str(error.message).split())
        where = f"{place_of(message, ours[1:])}{place}"
        raise ValueError(f"{where}: {message} (all options: {command.script} --help)") from None
    finally:
        sys.argv = ours
    return config


def to_arguments(options: Mapping[str, Any]) -> list[str]:
    """``--name=value`` of each; what is not a text is JSON."""
    return [f"--{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in options.items()]
