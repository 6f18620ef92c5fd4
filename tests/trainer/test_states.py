"""A causal model's state in a file: whole or not at all, told from other files, and on with it in another process."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.model.test_state import first_half, second_half, system
from trainer.states import load_state, save_state

ROOT = Path(__file__).parents[2]


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    state, path = first_half(), tmp_path / "states/users.safetensors"
    save_state(state, path)
    read = load_state(path)
    assert read.keys() == state.keys()
    assert all(torch.equal(read[name], value) and read[name].dtype == value.dtype for name, value in state.items())
    assert read["gaps.last"].dtype == torch.int64
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_state_before_any_event_and_views_are_saved_too(tmp_path: Path) -> None:
    save_state(system().start(), tmp_path / "empty")
    assert load_state(tmp_path / "empty") == {}
    turned = torch.arange(6.0).view(2, 3).T
    save_state({"turned": turned}, tmp_path / "turned")
    assert torch.equal(load_state(tmp_path / "turned")["turned"], turned)


def test_a_state_is_written_over_by_the_next(tmp_path: Path) -> None:
    """Also over the file that it was read from, which may be mapped into memory."""
    path = tmp_path / "users.safetensors"
    save_state(first_half(), path)
    before = load_state(path)
    kept = {name: value.clone() for name, value in before.items()}
    save_state(second_half(before)[1], path)
    assert all(torch.equal(before[name], value) for name, value in kept.items())
    assert all(torch.equal(load_state(path)[name], value) for name, value in second_half(kept)[1].items())


def test_a_write_that_fails_leaves_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "users.safetensors"
    save_state({"a": torch.ones(2)}, path)
    with pytest.raises(Exception, match="int"):
        save_state({"a": torch.zeros(2), 7: torch.zeros(2)}, path)  # type: ignore[dict-item]
    assert load_state(path)["a"].tolist() == [1, 1]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_file_that_is_no_state_is_told(tmp_path: Path) -> None:
    save_file({"embedding": torch.zeros(2)}, tmp_path / "table")
    save_state({"a": torch.ones(40)}, tmp_path / "whole")
    (tmp_path / "cut").write_bytes((tmp_path / "whole").read_bytes()[:-8])
    (tmp_path / "text").write_text("no state")
    (tmp_path / "nothing").touch()
    (tmp_path / "folder").mkdir()
    for name in ("table", "cut", "text", "nothing", "folder", "none"):
        with pytest.raises(ValueError, match=f"{name}: .*state.*encode the histories again") as told:
            load_state(tmp_path / name)
        assert "\n" not in str(told.value)


_CONTINUE = """
import sys
from pathlib import Path
from trainer.states import load_state, save_state
from tests.model.test_state import second_half
folder = Path(sys.argv[1])
users, state = second_half(load_state(folder / "half"))
save_state(state | {f"users.{at}": user for at, user in enumerate(users)}, folder / "told")
"""


def test_a_state_survives_the_process(tmp_path: Path) -> None:
    state = first_half()
    save_state(state, tmp_path / "half")
    subprocess.run([sys.executable, "-c", _CONTINUE, str(tmp_path)], cwd=ROOT, check=True)
    users, after = second_half(state)
    told = load_file(tmp_path / "told")
    expected = after | {f"users.{at}": user for at, user in enumerate(users)}
    assert told.keys() == expected.keys()
    assert all(torch.equal(told[name], value) for name, value in expected.items()), "to the last bit"
