"""Steps that write all at once: killed before their files have names, and run again, they leave the bytes of one run.

Fetching, pictures, encoders and the domain itself have such tests of their own, as they go on where they stopped.
"""

import itertools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data.prepare import prepare_domain
from data.sample import make_sample

ROOT = Path(__file__).parents[2]
PREPARE = "import runpy, sys; sys.argv[1:] = {}; runpy.run_path('{}', run_name='__main__')"
STORE = "from pathlib import Path; from data.domain import Domain; [Domain(Path(d)).store() for d in ('Tea', 'Toys')]"
STEPS = {
    "sample": ["sample", "--out", "raw", "--shops", "[Nuts]", "--target", "null", "--users", "400"],
    "features": ["features", "--domains", "[Tea, Toys]"],
    "merge": ["merge", "--domains", "[Tea, Toys]", "--out", "Both"],
    "store": [],
}


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shops")
    make_sample(folder / "raw", shops=("Tea", "Toys"), target=None, users=600, items=150, image_size=24)
    for name in ("Tea", "Toys"):
        prepare_domain(folder / "raw" / name, folder / "processed" / name)
    return folder


def run(step: str, where: Path, kill_at: int | None = None) -> int:
    """The step's exit code; with ``kill_at`` it is killed before it gives that file or folder, from 0, its name."""
    work = PREPARE.format(STEPS[step], ROOT / "prepare.py") if STEPS[step] else STORE
    if kill_at is not None:
        work = f"from tests.data.test_killed_steps import kill_before; kill_before({kill_at}); {work}"
    process = subprocess.Popen(
        [sys.executable, "-c", work], cwd=where, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL
    )
    return process.wait(120)


def kill_before(number: int) -> None:
    """Kill this process when it is about to rename for that time: no scheduler can make it miss the moment."""
    count, replace = itertools.count(), Path.replace

    def counted(path: Path, target: Path) -> Path:
        if next(count) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(path, target)

    Path.replace = counted  # type: ignore[assignment,method-assign]


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def parts(folder: Path) -> set[Path]:
    """What is being written, or was left half-written."""
    return set(folder.rglob(".*.part"))


@pytest.mark.parametrize("step", STEPS)
def test_killed_and_run_again(step: str, shops: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole/processed", tmp_path / "killed/processed"
    for folder in (whole, killed):
        shutil.copytree(shops, folder.parent)
    before = content(whole)
    assert run(step, whole) == 0
    written = content(whole)
    assert written.keys() > before.keys()
    assert run(step, killed, kill_at=0) == -signal.SIGKILL
    assert parts(killed), "it was at work"
    assert run(step, killed, kill_at=1) in (-signal.SIGKILL, 0), "some name one thing only"
    assert run(step, killed) == 0
    assert content(killed) == written
    assert not parts(killed), "what was left is swept up"
