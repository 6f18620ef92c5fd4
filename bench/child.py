"""A command in a process of its own, as users run it: its seconds, and the memory of it and all it starts."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.harness import Measured
from bench.memory import Peak

_PROC = Path("/proc")
_EVERY = 0.02  # seconds
_ROOT = Path(__file__).parents[1]


def run_child(command: Sequence[str]) -> Measured:
    """Run a command once, in the project's folder.

    The peak is the sum of the peaks of all its processes: exact for one process, and never too low for more. There
    is none on a system that does not tell (no Linux ``/proc``).

    Raises:
        RuntimeError: the command failed; with what it wrote.
    """
    start, peak = time.perf_counter(), 0.0
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(_high_water, _tree(process.pid))))
            time.sleep(_EVERY)
        seconds = time.perf_counter() - start
        told = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{told}")
    return Measured((seconds,), Peak(peak, peak) if peak else None)


def _tree(pid: int) -> Iterator[int]:
    """The process and all below it; those that end meanwhile are left out."""
    yield pid
    for children in (_PROC / str(pid) / "task").glob("*/children"):
        for child in _read(children).split():
            yield from _tree(int(child))


def _high_water(pid: int) -> float:
    """MiB."""
    lines = _read(_PROC / str(pid) / "status").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
