"""Every benchmark, one after another, each in a process of its own: ``python -m bench``."""

import subprocess
import sys

from bench.options import Options
from data.command import run_command
from data.errors import exit_on_bad_input

BENCHMARKS = ("operator", "step", "ranking", "data", "preparation", "encoders", "scaling", "click")


def run_all() -> None:
    """Run each with the arguments given here, which are those that all of them take.

    Raises:
        ValueError: the arguments are not.
        SystemExit: a benchmark failed; those after it do not run.
    """
    run_command(Options)
    for name in BENCHMARKS:
        done = subprocess.run([sys.executable, "-m", f"bench.{name}", *sys.argv[1:]], check=False)
        if done.returncode:
            sys.stderr.write(f"error: bench.{name} ended with {done.returncode}\n")
            sys.exit(done.returncode)


if __name__ == "__main__":
    with exit_on_bad_input():
        run_all()
