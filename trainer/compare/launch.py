"""One run of main.py or pretrain.py in a process of its own; a finished one is not run again."""

import fcntl
import logging
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]

Script = Literal["main.py", "pretrain.py"]

#: What a script leaves in the run's folder when it has finished, and not before.
_LEAVES: dict[Script, str] = {"main.py": "test.json", "pretrain.py": "train.json"}


class RunFailed(Exception):
    """The run ended with an error of its own; the message says which."""


class RunKilled(Exception):
    """The run was ended from outside: it says nothing of the model."""


class Launcher:
    """Runs the scripts.

    Args:
        threads: of each run.
        scripts: the folder that they are in.
    """

    def __init__(self, threads: int, scripts: Path = ROOT) -> None:
        self.threads, self.scripts = threads, scripts
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped, self._lock = False, threading.Lock()

    def command(self, arguments: Sequence[str], folder: Path, script: Script = "main.py") -> str:
        """The run's command line, as one would type it."""
        words = ["python", os.path.relpath(self.scripts / script), *arguments, f"--run_dir={folder}"]
        return f"OMP_NUM_THREADS={self.threads} {shlex.join(words)}"

    def run(self, arguments: Sequence[str], folder: Path, script: Script = "main.py") -> None:
        """Run into ``folder``, unless it holds a finished run; an unfinished one starts over.

        Raises:
            RunFailed: with the run's own message.
            RunKilled: by a signal.
        """
        finished = folder / _LEAVES[script]
        with _held(folder) as lock:
            if finished.is_file():
                return
            shutil.rmtree(folder, ignore_errors=True)
            logger.info("run: %s", self.command(arguments, folder, script))
            start, log = time.perf_counter(), folder.with_name(f"{folder.name}.log")
            with log.open("wb") as output:
                words = [sys.executable, str(self.scripts / script), *arguments, f"--run_dir={folder}"]
                code = self._wait(words, output, lock)
            if code < 0:
                raise RunKilled(f"killed by signal {-code}")
            if code > 0 or not finished.is_file():
                raise RunFailed(_message(log, code))
            logger.info("done in %.0f s: %s", time.perf_counter() - start, folder)

    def stop(self) -> None:
        """End the runs in progress, and start no more."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.kill()

    def _wait(self, command: Sequence[str], output: object, lock: int) -> int:
        environment = os.environ | {"OMP_NUM_THREADS": str(self.threads)}
        with self._lock:
            if self._stopped:
                raise RunKilled("the comparison was stopped")
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment,  # type: ignore[call-overload]
                pass_fds=(lock,), start_new_session=True,  # the keyboard's interrupt is for the comparison to handle
            )  # fmt: skip
            self._running.add(process)
        code = int(process.wait())
        with self._lock:
            self._running.discard(process)
        return code


@contextmanager
def _held(folder: Path) -> Iterator[int]:
    """The run's lock, which the run's own process inherits: where the comparison is killed and started again while a
    run goes on, it waits for that run's end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def _message(log: Path, code: int) -> str:
    """The command's own error line, else the last line it wrote."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    said = (errors or lines or ["it said nothing"])[-1]
    return f"exit code {code}: {said} (log: {log})"
