import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.errors import bad, exit_on_bad_input

ROOT = Path(__file__).parents[2]
_SCRIPT = """
import sys
from pathlib import Path
from data.errors import exit_on_bad_input
from data.rows import read_rows
with exit_on_bad_input():
    for rows in read_rows(Path(sys.argv[1]), 3):
        sys.stdout.write(f"{len(rows.lines)} rows")
"""


def run(path: Path, script: str = _SCRIPT, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, str(path)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_message_names_place_fault_and_remedy() -> None:
    assert str(bad("a.csv", "is empty", "Fetch it again", 3)) == "a.csv:3: is empty. Fetch it again."
    assert str(bad(Path("a.csv"), "is empty", "Fetch it again.")) == "a.csv: is empty. Fetch it again."
    assert str(bad("a.csv", "x", "y", 0)) == "a.csv:0: x. y."


def test_bad_input_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    path = tmp_path / "histories.jsonl"
    path.write_text("[0, [[1, 1]]]\n[1, [[9, 1]]]\n")
    told = run(path)
    assert told.returncode == 2 and told.stdout == ""
    assert told.stderr.startswith(f"error: {path}:2: an item id is outside 1 … 3")
    assert told.stderr.count("\n") == 1 and "Traceback" not in told.stderr


def test_traceback_on_demand(tmp_path: Path) -> None:
    told = run(tmp_path / "absent", TRIBUTARY_TRACEBACK="1")
    assert told.returncode == 1 and "Traceback" in told.stderr and "no such file" in told.stderr


@pytest.mark.parametrize("error", [ValueError("a.csv: is empty"), FileNotFoundError(2, "No such file", "x")])
def test_what_a_user_can_mend(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left, exit_on_bad_input():
        raise error
    assert left.value.code == 2
    assert capsys.readouterr().err == f"error: {error}\n"


@pytest.mark.parametrize("error", [AssertionError, KeyError, TypeError, RuntimeError, KeyboardInterrupt, MemoryError])
def test_a_bug_keeps_its_traceback(error: type[BaseException]) -> None:
    with pytest.raises(error), exit_on_bad_input():
        raise error


def test_success_is_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with exit_on_bad_input():
        pass
    assert capsys.readouterr() == ("", "")
