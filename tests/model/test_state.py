"""The state of a causal model: taken and given part by part, and kept in a file."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model import MMM4Rec
from model.state import Carry, State, bytes_a_user, load_state, save_state
from tests.model.contract import draw_catalogue, draw_histories

ROOT = Path(__file__).parents[2]
ITEMS, LENGTH = 11, 12


def system(layers: int = 2) -> MMM4Rec:
    """The same one in any process."""
    torch.manual_seed(0)
    made = MMM4Rec(hidden=8, inner=8, layers=layers, state=3, head_dim=4, groups=2, time_width=3, oscillations=2)
    made.bind(ITEMS, *draw_catalogue(ITEMS))
    return made.eval()


def first_half() -> State:
    items, lengths, times = draw_histories([6, 3], 6, ITEMS)
    return system().encode(items, lengths, times)[1]


def second_half(state: State) -> tuple[list[Tensor], State]:
    """User vectors after each of the six further events, and the last state."""
    items, _, times = draw_histories([6, 6], 6, ITEMS, seed=2)
    model, users = system(), []
    for at in range(6):
        user, state = model.step(items[:, at], times[:, at] + 10**8, state)
        users.append(user)
    return users, state


# -- taking and giving --------------------------------------------------------------------------------


def test_before_any_event_all_is_zero() -> None:
    taken = Carry({}, torch.tensor([1, 2])).of("layer").take("wave", (3, 2), torch.ones(1, dtype=torch.float64))
    assert torch.equal(taken, torch.zeros(2, 3, 2, dtype=torch.float64))


def test_parts_give_into_one_pack_by_their_path() -> None:
    carry = Carry({}, torch.tensor([1]))
    layer = carry.of("layers.0")
    layer.of("conv").give("past", torch.ones(1))
    layer.give("ssd", torch.zeros(1))
    assert list(carry.after) == ["layers.0.conv.past", "layers.0.ssd"]
    after = Carry(carry.after, torch.tensor([1]))
    assert after.of("layers.0").of("conv").take("past", (), torch.zeros(())) == 1


def test_another_shape_or_name_is_told_with_its_path() -> None:
    part = Carry({"a.past": torch.zeros(2, 3)}, torch.tensor([1, 1])).of("a")
    assert part.take("past", (3,), torch.zeros(1)).shape == (2, 3)
    with pytest.raises(ValueError, match=r"a\.past is \(2, 3\).* keeps \(2, 4\).*encode the histories again"):
        part.take("past", (4,), torch.zeros(1))
    with pytest.raises(ValueError, match=r"a\.ssd is missing"):
        part.take("ssd", (3,), torch.zeros(1))


def test_a_state_of_other_users_or_another_model_is_refused() -> None:
    state, one = first_half(), torch.ones(2, dtype=torch.long)
    with pytest.raises(ValueError, match="another number of histories"):
        system().step(one[:1], one[:1], state)
    for theirs, ours in ((1, 2), (2, 1)):
        _, other = system(theirs).encode(one[:, None], one, one[:, None])
        with pytest.raises(ValueError, match=r"layers\.1.*state"):
            system(ours).step(one, one, other)


def test_bytes_are_those_of_one_user() -> None:
    assert bytes_a_user({"a": torch.zeros(5, 2, 3), "b": torch.zeros(5, dtype=torch.int64)}) == 2 * 3 * 4 + 8
    assert bytes_a_user({}) == 0


# -- in a file ----------------------------------------------------------------------------------------


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
from model.state import load_state, save_state
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
