"""Bars of progress on stderr, on a terminal only."""

from rich.console import Console
from rich.progress import Progress, ProgressColumn


def bars_of(*columns: ProgressColumn) -> Progress:
    """To be entered; nothing is drawn where stderr is no terminal."""
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=not console.is_terminal)
