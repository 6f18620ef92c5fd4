"""A run that is killed at any moment leaves nothing that the next one would trip over."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data.prepare import prepare_domain
from data.prepare.engine import Engine, Kind
from data.sample import make_sample

ROOT = Path(__file__).parents[3]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    make_sample(folder, shops=("Tea",), target=None, users=3000, items=200, image_size=0)
    return folder / "Tea"


def begin(raw: Path, out: Path, *more: str) -> "subprocess.Popen[bytes]":
    """Start the command; returns once it has begun to work."""
    command = [sys.executable, "prepare.py", "domain", "--raw", str(raw), "--out", str(out), *more]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not list(out.parent.glob(".Tea.*.part")) and process.poll() is None:
        time.sleep(0.001)
    return process


def kill(process: "subprocess.Popen[bytes]", after: float) -> bool:
    """SIGKILL; whether the process was still at work."""
    time.sleep(after)
    os.kill(process.pid, signal.SIGKILL)
    _, told = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), told.decode()
    return process.returncode == -signal.SIGKILL


def seconds(raw: Path, out: Path) -> float:
    """Of the work of a run that is left alone."""
    process = begin(raw, out)
    start = time.perf_counter()
    assert process.wait() == 0
    return time.perf_counter() - start


@pytest.mark.parametrize("layout", ["both", "parquet"])
def test_killed_at_random_moments(tmp_path: Path, raw: Path, layout: str) -> None:
    prepare_domain(raw, tmp_path / "whole/Tea", layout=layout)  # type: ignore[arg-type]
    lasts = seconds(raw, tmp_path / "timed/Tea")
    out = tmp_path / "killed/Tea"
    out.parent.mkdir()
    draw = random.Random(layout)
    killed = [kill(begin(raw, out, "--layout", layout), draw.random() * lasts) for _ in range(3)]
    assert any(killed), "each kill came too late"
    prepare_domain(raw, out, layout=layout)  # type: ignore[arg-type]
    assert content(out) == content(tmp_path / "whole/Tea")
    assert sorted(path.name for path in out.parent.iterdir()) == [".Tea.lock", "Tea"], "what was left is swept up"


def test_killed_spark(tmp_path: Path, raw: Path, spark: Engine) -> None:
    """Killed while Spark computes, then finished by DuckDB."""
    prepare_domain(raw, tmp_path / "whole/Tea")
    out = tmp_path / "killed/Tea"
    out.parent.mkdir()
    engine: Kind = "spark"
    process = begin(raw, out, "--engine", engine, "--master", "local[1]")
    while not list(out.parent.glob(".Tea.*.part/.work/coded")) and process.poll() is None:
        time.sleep(0.01)
    assert kill(process, 0)
    prepare_domain(raw, out)
    assert content(out) == content(tmp_path / "whole/Tea")
