"""Runs side by side, one table and one picture: ``python -m trainer.report RUN [RUN …] [--out picture.png]``."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from data.errors import exit_on_bad_input
from data.files import atomic_file
from trainer.finished_run import FinishedRun, read_run
from trainer.transfer_sentences import transfer_sentences

logger = logging.getLogger(__name__)

_COLUMNS = {
    "test/hit@10": "Hit@10\nas published",
    "test/ndcg@10": "NDCG@10\nas published",
    "test_removed/hit@10": "Hit@10\nremoved",
    "test_removed/ndcg@10": "NDCG@10\nremoved",
}


def report(folders: Sequence[Path], out: Path | None = None) -> None:
    """Log the table of the runs, whether transfer helped, and where the picture is.

    Args:
        folders: of finished main.py or test.py runs.
        out: the picture; ``validation.png`` in the runs' common parent by default.

    Raises:
        ValueError: a folder is missing, unfinished or damaged.
    """
    runs = [read_run(folder) for folder in folders]
    parent = Path(os.path.commonpath([run.folder.parent for run in runs]))
    names = [str(run.folder.relative_to(parent)) for run in runs]
    logger.info("%s", table(runs, names))
    others = sorted({run.monitor for run in runs} - {"val/ndcg@10"})
    if others:
        logger.info("the best epoch was chosen by %s where that is a run's monitor", ", ".join(others))
    for sentence in transfer_sentences(runs, names):
        logger.info("%s", sentence)
    if any(run.curve for run in runs):
        out = out or parent / "validation.png"
        draw(runs, names, out)
        logger.info("validation NDCG@10 by epoch: %s", out)


def table(runs: Sequence[FinishedRun], names: Sequence[str]) -> str:
    """A row a run; an empty cell where a run did not train."""
    rows = [
        [
            name,
            run.start,
            *(run.metrics[metric] for metric in _COLUMNS),
            run.best_value,
            run.best_epoch,
            run.seconds_to_best if run.best_epoch else None,
            run.seconds if run.best_epoch else None,
        ]
        for run, name in zip(runs, names, strict=True)
    ]
    heads = ["run", "start", *_COLUMNS.values(), "best val\nNDCG@10", "epochs\nto best", "seconds\nto best", "seconds"]
    formats = ("", "", *[".4f"] * (len(_COLUMNS) + 1), ".0f", ".1f", ".1f")
    return tabulate(rows, heads, floatfmt=formats)


def draw(runs: Sequence[FinishedRun], names: Sequence[str], out: Path) -> None:
    """Validation NDCG@10 by epoch as a png, one line a run, its best epoch marked."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import, and needed here only
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for run, name in zip(runs, names, strict=True):
        if not run.curve:
            continue
        label = f"{name} ({run.start})"
        (line,) = axes.plot(list(run.curve), list(run.curve.values()), marker=".", label=label)
        if run.best_epoch is not None and run.best_value is not None:
            axes.plot(
                run.best_epoch, run.best_value, marker="o", color=line.get_color(), fillstyle="none", markersize=9
            )
    axes.set(xlabel="epoch", ylabel="validation NDCG@10, as published", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    with atomic_file(out) as part:
        figure.savefig(part, format="png", dpi=120)


def main() -> None:
    """Report as the arguments say, on stdout."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(prog="python -m trainer.report", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder of a finished main.py run")
    parser.add_argument("--out", type=Path, help="the picture; validation.png in the runs' common parent by default")
    arguments = parser.parse_args()
    report(arguments.runs, arguments.out)


if __name__ == "__main__":
    with exit_on_bad_input():
        main()
