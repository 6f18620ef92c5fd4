"""main.py's own parser, without a run: what it would refuse is refused before a comparison begins."""

import sys
import warnings
from collections.abc import Sequence
from typing import Any

from jsonargparse import ArgumentError
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI

from trainer.cli import CONFIGS, RunCLI
from trainer.config_place import place_of

DEFAULTS = CONFIGS / "finetune" / "default.yaml"


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


def parse(place: str, arguments: Sequence[str]) -> dict[str, Any]:
    """The configuration that main.py would have with these arguments.

    Args:
        place: named in messages.
        arguments: of the command.

    Raises:
        ValueError: main.py would not take them.
    """
    ours = sys.argv
    sys.argv = ["main.py", *arguments]  # what LightningCLI reads
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config: dict[str, Any] = _ParseOnly(DEFAULTS).config.as_dict()
    except ArgumentError as error:
        message = " ".join(str(error.message).split())
        raise ValueError(f"{place_of(message, ours[1:])}{place}: {message} (all options: main.py --help)") from None
    finally:
        sys.argv = ours
    return config
