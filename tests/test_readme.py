"""Every command in the README is run, as it stands, in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCKS = [
    block.strip().splitlines() for block in re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
]
NEWCOMER, STEPS, EVERY_DAY, COMPARE, BENCHMARKS = BLOCKS


def run(command: str, folder: Path, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": tools, "TRIBUTARY_PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=timeout, check=False
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme") / "tributary"
    folder.mkdir()
    for name in ("main.py", "pretrain.py", "test.py", "prepare.py", "recommend.py", "compare.py"):
        shutil.copy(ROOT / name, folder)
    for name in ("model", "data", "trainer", "bench", "configs", "script", "pre_weights"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.ckpt"))
    return folder


def test_the_newcomers_commands_are_those_that_ci_runs() -> None:
    assert NEWCOMER == ["bash script/quickstart.sh", "bash script/test.sh"]
    assert "bash script/test.sh" in (ROOT / ".ci/run").read_text()
    assert "bash script/quickstart.sh" in (ROOT / "script/test.sh").read_text()


def test_step_by_step(copy: Path) -> None:
    outputs = []
    for command in STEPS:
        done = run(command, copy)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        outputs.append(done.stdout)
    assert outputs[-1].count("Stationery-I") >= 5, "the last command recommends"
    first = copy / "saved/first"
    names = {"config.yaml", "output.log", "metrics.csv", "best.ckpt", "last.ckpt", "test.json"}
    assert names <= {path.name for path in first.iterdir()}
    tested = list((copy / "saved/MMM4Rec/Stationery").glob("*/test.json"))
    assert len(tested) == 1, "test.py writes a folder of its own"
    assert _metrics(tested[0]) == _metrics(first / "test.json")


def test_compare(copy: Path) -> None:
    """On the shop that the steps made; once more, and nothing runs."""
    if not (copy / "dataset/sample/processed/Stationery").is_dir():
        for command in STEPS[:3]:
            assert run(command, copy).returncode == 0
    (command,) = COMPARE
    outputs = []
    for _ in range(2):
        done = run(command, copy, timeout=900)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        outputs.append(done.stdout)
    assert outputs[0].count("run: ") == 4 and "run: " not in outputs[1], "two models, two trials, the best is tested"
    tables = [text[text.index("\nstationery, ") :] for text in outputs]
    assert tables[0] == tables[1]
    out = copy / "saved/compare/sample"
    assert {"result.md", "result.json", "result.svg", "tensorboard"} <= {path.name for path in out.iterdir()}


def _metrics(path: Path) -> str:
    found = re.search(r'"metrics": (\{.*?\})', path.read_text(), re.S)
    assert found
    return found[1]


@pytest.mark.parametrize("command", EVERY_DAY)
def test_every_day_without_data_says_what_is_missing(command: str, copy: Path) -> None:
    if command.startswith("tensorboard"):
        assert run("tensorboard --version", copy).returncode == 0
        return
    done = run(command, copy)
    assert done.returncode == 2, done.stderr
    assert "item2id.jsonl" in done.stderr and "Traceback" not in done.stderr
