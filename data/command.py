"""Typed functions as a command: the arguments, and the help, are theirs."""

import logging
import sys
from typing import Any, TextIO

from jsonargparse import ArgumentError, auto_cli

logger = logging.getLogger(__name__)

INTERRUPTED = 130  # exit code of a command that Ctrl-C ended


def run_command(functions: Any, log: TextIO | None = None) -> Any:
    """Run a typed function, or the one of a dict of them that the first argument names; gives what it returns.

    Args:
        functions: one ``Callable`` (a dataclass too, to have its options), or ``{command: Callable}``; their
            docstrings are the help.
        log: where log lines go; stdout by default.

    Raises:
        ValueError: the arguments are not the function's.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=log or sys.stdout)
    try:
        return auto_cli(functions, as_positional=False, exit_on_error=False)
    except ArgumentError as error:
        raise ValueError(f"{error.message} (all options: --help)") from None


def stopped() -> SystemExit:
    """What to raise in place of Ctrl-C where a command can go on later: it is said, and the exit code tells."""
    logger.info("stopped: run the command again to continue")
    return SystemExit(INTERRUPTED)
