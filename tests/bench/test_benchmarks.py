"""Every benchmark runs at its smallest size and leaves a result that readers can rely on; no speed is asserted."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("operator", "step", "ranking", "data", "preparation", "encoders", "scaling", "click")
CURVES = ("length", "items", "batch", "history", "operator")


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=900, check=False)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("results")
    done = bench("bench", "--size", "smallest", "--threads", "1", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def result(folder: Path, name: str) -> dict[str, Any]:
    (path,) = folder.glob(f"????-??-??-{name}-*.json")
    return dict(orjson.loads(path.read_bytes()))


@pytest.mark.parametrize("name", NAMES)
def test_result_says_where_and_how(everything: tuple[Path, str], name: str) -> None:
    folder, printed = everything
    told = result(folder, name)
    assert told["benchmark"] == name and told["command"].startswith(f"python -m bench.{name} --size smallest")
    assert told["date"].endswith("+00:00") and told["threads"] == 1
    assert {"cpu", "cores", "memory_gib"} <= told["machine"].keys()
    assert {"python", "torch", "lightning"} <= told["versions"].keys()
    assert told["options"]["size"] == "smallest" and told["options"]["repeats"] == 5
    for rate in told["matmul"].values():
        assert rate["gflops"] > 0 and rate["size"] <= 256
    assert f"\n{name} on " in printed, "the table is printed"


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_measured(everything: tuple[Path, str], name: str) -> None:
    rows = [row for row in result(everything[0], name)["rows"] if "skipped" not in row]
    assert rows
    for row in rows:
        assert 0 < row["min"] <= row["seconds"] <= row["max"]
        assert row["rounds"] >= (1 if name == "preparation" else 5)
        assert row["peak_mib"] >= row["added_mib"] >= 0


def test_step_tells_utilisation_beside_the_matmul_of_the_same_rounds(everything: tuple[Path, str]) -> None:
    rows = result(everything[0], "step")["rows"]
    steps = [row for row in rows if row["work"] == "training step" and "skipped" not in row]
    assert {row["lengths"] for row in steps} == {"full", "short"}
    for row in steps:
        assert row["mfu"] == pytest.approx(row["gflop"] / row["seconds"] / row["matmul_gflops"])
    assert not any("quoted" in row for row in rows), "the published figures are for the normal size"


def test_operators_are_measured_in_their_forms(everything: tuple[Path, str]) -> None:
    rows = result(everything[0], "operator")["rows"]
    forms = {(row["operator"], row["form"]) for row in rows if row["L"] == 5}
    ssd = {("ssd", form) for form in ("quadratic", "chunked", "recurrent")}
    assert forms == ssd | {("selective_scan", "chunked"), ("selective_scan", "recurrent"), ("causal_conv", "")}
    assert {row["pass"] for row in rows} == {"forward", "with gradients"}


def test_each_curve_is_drawn(everything: tuple[Path, str]) -> None:
    folder, _ = everything
    for curve in CURVES:
        points = {row["at"] for row in result(folder, "scaling")["rows"] if row["curve"] == curve}
        assert len(points) == 2
        assert "<svg" in (folder / f"scaling-{curve}.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["bench.step", "--batch", "0"], "--batch 0: it counts from 1"),
        (["bench.operator", "--lengths", "[4,0]"], "--lengths 0: it counts from 1"),
        (["bench.scaling", "--items", "[]"], "name at least one"),
        (["bench", "--size", "big"], "big"),
        (["bench", "--batch", "3"], "--batch"),
    ],
)
def test_bad_options_are_one_message(arguments: list[str], what: str, tmp_path: Path) -> None:
    done = bench(*arguments, "--out", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and what in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_readmes_commands_are_those_that_ran_here() -> None:
    text = (ROOT / "README.md").read_text()
    commands = sorted(line for line in text.splitlines() if line.startswith("python -m bench"))
    every = ["python -m bench --size smallest", *(f"python -m bench.{name} --size smallest" for name in NAMES)]
    assert commands == sorted(every)


def test_trying_a_benchmark_touches_no_kept_result(tmp_path: Path) -> None:
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench.ranking", "--size", "smallest"]
    subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=True, timeout=300)
    assert [path.parent.name for path in (tmp_path / "saved").rglob("*.json")] == ["bench"]
    assert not (tmp_path / "bench").exists()
