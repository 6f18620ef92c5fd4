"""Steps that write all at once: killed at random moments and run again, they leave the bytes of a run left alone.

Fetching, pictures, encoders and the domain itself have such tests of their own, as they go on where they stopped.
"""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data.prepare import prepare_domain
from data.sample import make_sample

ROOT = Path(__file__).parents[2]
STORE = "from pathlib import Path; from data.domain import Domain; [Domain(Path(d)).store() for d in ('Tea', 'Toys')]"
STEPS = {
    "sample": ["prepare.py", "sample", "--out", "raw", "--shops", "[Nuts]", "--target", "null", "--users", "400"],
    "features": ["prepare.py", "features", "--domains", "[Tea, Toys]"],
    "merge": ["prepare.py", "merge", "--domains", "[Tea, Toys]", "--out", "Both"],
    "store": ["-c", STORE],
}


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shops")
    make_sample(folder / "raw", shops=("Tea", "Toys"), target=None, users=600, items=150, image_size=24)
    for name in ("Tea", "Toys"):
        prepare_domain(folder / "raw" / name, folder / "processed" / name)
    return folder


def begin(step: str, where: Path) -> "subprocess.Popen[bytes]":
    script, *rest = STEPS[step]
    command = [sys.executable, script if script == "-c" else str(ROOT / script), *rest]
    return subprocess.Popen(command, cwd=where, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def parts(folder: Path) -> set[Path]:
    """What is being written, or was left half-written."""
    return set(folder.rglob(".*.part"))


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_random_moments(step: str, shops: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole/processed", tmp_path / "killed/processed"
    for folder in (whole, killed):
        shutil.copytree(shops, folder.parent)
    before = content(whole)
    assert begin(step, whole).wait(120) == 0
    written = content(whole)
    assert written.keys() > before.keys()
    draw, exits = random.Random(step), []
    for longest in (0.0, 0.2):
        left, process = parts(killed), begin(step, killed)
        while parts(killed) <= left and process.poll() is None:
            time.sleep(0.001)
        time.sleep(draw.uniform(0, longest))
        process.kill()
        exits.append(process.wait(120))
    assert exits[0] == -signal.SIGKILL, "it was at work"
    assert begin(step, killed).wait(120) == 0
    assert content(killed) == written
    assert not parts(killed), "what was left is swept up"
