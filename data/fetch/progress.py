"""A bar for each file that is being fetched, on a terminal only."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from data.fetch.download import Report
from data.progress import bars_of


class Bars:
    """Hands out a report function for each file."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def bar(self, name: str) -> Report:
        """A new bar; its function may be called from any thread."""
        task = self._progress.add_task(name, total=None)

        def report(size: int, length: int | None) -> None:
            self._progress.update(task, completed=size, total=length)

        return report


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars on stderr while the block runs; nothing is drawn where stderr is no terminal."""
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with bars_of(*columns, TimeRemainingColumn()) as progress:
        yield Bars(progress)
