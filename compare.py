"""Compare models on domains under one protocol: ``python compare.py --config configs/compare/sample.yaml``."""

import logging
import signal
import sys
from importlib.metadata import version

import torch

from bench.machine import machine, versions
from data.command import run_command
from data.errors import exit_on_bad_input
from trainer.compare import Settings, compare


def main() -> None:
    """Compare as the yaml says; exit code 1 where a model failed, 2 where the yaml cannot work."""
    end_when_told()
    with exit_on_bad_input():
        settings = run_command(Settings)
        logging.getLogger("filelock").setLevel(logging.WARNING)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if not compare(settings, machine(device), versions() | {"optuna": version("optuna")}):
            sys.exit(1)


def end_when_told() -> None:
    """SIGTERM ends the comparison as Ctrl-C does, and with it the runs in progress."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


if __name__ == "__main__":
    main()
