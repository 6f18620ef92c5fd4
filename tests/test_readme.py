"""Every command in the README is run, as it stands, in a copy of the repository."""

import re
from pathlib import Path

import pytest

from tests.commands import ROOT, bash_blocks, copy_repository, run

BLOCKS = [block.splitlines() for block in bash_blocks(ROOT / "README.md")]
NEWCOMER, STEPS, EVERY_DAY, COMPARE, BENCHMARKS = BLOCKS


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_repository(tmp_path_factory.mktemp("readme") / "tributary")


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
