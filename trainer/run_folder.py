"""A run's folder ``saved/<Model>/<Domain>/<time>/`` and its log."""

import logging
import sys
import time
from datetime import datetime
from pathlib import Path

_FORMAT = "%(asctime)s %(message)s"


def new_folder(root: Path, system: str, domain: str) -> Path:
    """Make and return a folder that no other run has; two starts in one second get two folders."""
    parent = root / system / domain
    for _ in range(100):
        folder = parent / datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            time.sleep(1)
            continue
        return folder
    raise ValueError(f"{parent}: could not make a run folder of its own; give --run_dir")


def log_to(folder: Path) -> None:
    """Send log lines to the console and to ``output.log`` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout), logging.FileHandler(folder / "output.log")]
    logging.basicConfig(level=logging.INFO, format=_FORMAT, datefmt="%H:%M:%S", handlers=handlers, force=True)
    for noisy in ("lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.seed"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def keep_metrics(folder: Path) -> None:
    """Set aside the metrics of the run that is resumed here: the CSV logger would delete them."""
    metrics = folder / "metrics.csv"
    if metrics.is_file():
        number = 1
        while (kept := folder / f"metrics.{number}.csv").exists():
            number += 1
        metrics.rename(kept)
