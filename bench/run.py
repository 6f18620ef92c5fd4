"""From options to result: what every benchmark's command does."""

import logging
import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import torch

from bench.machine import machine, versions
from bench.matmul import matmul_rates
from bench.options import Options
from bench.report import Row, log_result, today, write_result
from data.command import run_command
from data.errors import exit_on_bad_input
from trainer.allocator import keep_freed_memory

logger = logging.getLogger(__name__)

Some = TypeVar("Some", bound=Options)
Rates = dict[str, dict[str, float]]
Measure = Callable[[Some, Rates], Iterable[Row]]
Draw = Callable[[dict[str, Any], Path], list[Path]]


def main(name: str, options: type[Some], measure: Measure[Some], draw: Draw | None = None) -> None:
    """Run a benchmark as the arguments say; bad ones are one message and exit code 2.

    Args:
        name: of the benchmark, and of its module.
        options: its options; their docstring is the help.
        measure: gives the rows, told the matmul rates of this run.
        draw: pictures of a result, into a folder; gives their paths.
    """
    keep_freed_memory()  # as the commands that are measured do
    with exit_on_bad_input():
        chosen = run_command(options)
        logging.getLogger("data").setLevel(logging.WARNING)  # what it builds, it builds many times
        result = _measured(name, chosen, measure)
        log_result(result)
        written = [write_result(result, chosen.folder), *(draw(result, chosen.folder) if draw else [])]
        logger.info("%s", "\n".join(map(str, written)))


def _measured(name: str, options: Some, measure: Measure[Some]) -> dict[str, Any]:
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    rates = matmul_rates(2048 if options.size == "normal" else 256, 5, options.where)
    return {
        "benchmark": name,
        "date": today(),
        "command": shlex.join(["python", "-m", f"bench.{name}", *sys.argv[1:]]),
        "machine": machine(options.where),
        "versions": versions(),
        "threads": torch.get_num_threads(),
        "matmul": rates,
        "options": {option: _plain(value) for option, value in vars(options).items()},
        "rows": list(measure(options, rates)),
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path | torch.device) else value
