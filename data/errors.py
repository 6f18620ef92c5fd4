"""How bad input is told: one message that names the place, the fault and the remedy; exit code 2."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def bad(path: Path | str, what: str, remedy: str, line: int | None = None) -> ValueError:
    """The error for input a user can mend, to be raised by the caller.

    Args:
        path: the file or folder at fault.
        what: what is wrong with it.
        remedy: what the user should do.
        line: the line, counted from 1, where there is one.
    """
    place = f"{path}:{line}" if line is not None else f"{path}"
    return ValueError(f"{place}: {what}. {remedy.rstrip('.')}.")


def first_line(error: BaseException) -> str:
    """What a library's error says first; its type where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def exit_on_bad_input() -> Iterator[None]:
    """Turn bad input into its one message on stderr and exit code 2.

    ``ValueError`` and ``OSError`` are what a user can mend; anything else is a bug and keeps its
    traceback. ``TRIBUTARY_TRACEBACK=1`` keeps it for these too.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        if os.environ.get("TRIBUTARY_TRACEBACK") == "1":
            raise
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
