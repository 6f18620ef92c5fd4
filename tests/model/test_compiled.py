"""The compiled click is the model's, in any process, and takes only what it was compiled for."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model import MMM4Rec
from model.compiled import CompiledStep, export_step, load_step
from tests.model.contract import draw_catalogue, draw_histories

ROOT = Path(__file__).parents[2]
ITEMS, USERS, EVENTS = 11, 2, 20


def system() -> MMM4Rec:
    torch.manual_seed(0)
    made = MMM4Rec(hidden=8, inner=8, state=3, head_dim=4, groups=2, time_width=3, oscillations=2)
    made.bind(ITEMS, *draw_catalogue(ITEMS, missing=True))
    return made.eval()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Compiled once: it takes most of a minute."""
    where = tmp_path_factory.mktemp("compiled") / "click.pt2"
    export_step(system(), USERS, where)
    yield where


@pytest.fixture(scope="module")
def compiled(path: Path) -> CompiledStep:
    return load_step(path)


def test_it_is_the_models_step(compiled: CompiledStep) -> None:
    model, (items, _, times) = system(), draw_histories([EVENTS] * USERS, EVENTS, ITEMS)
    ours, theirs = compiled.start(), model.start()
    for at in range(EVENTS):
        user, ours = compiled(items[:, at], times[:, at], ours)
        expected, theirs = model.step(items[:, at], times[:, at], theirs)
        torch.testing.assert_close(user, expected, rtol=1e-5, atol=1e-5)
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-4, atol=1e-5)


def test_it_goes_on_from_a_warm_start_and_leaves_the_state_alone(compiled: CompiledStep) -> None:
    model, (items, lengths, times) = system(), draw_histories([5, 3], 5, ITEMS)
    _, state = model.encode(items, lengths, times)
    kept = {name: tensor.clone() for name, tensor in state.items()}
    user, _ = compiled(items[:, 0], times[:, 0] + 10**7, state)
    torch.testing.assert_close(state, kept, rtol=0, atol=0)
    torch.testing.assert_close(user, model.step(items[:, 0], times[:, 0] + 10**7, state)[0], rtol=1e-5, atol=1e-5)


def test_another_process_loads_it(path: Path, compiled: CompiledStep, tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from model.compiled import load_step
step = load_step(Path(sys.argv[1]))
one = torch.ones(step.users, dtype=torch.long)
user, state = step(one, one, step.start())
save_file({"user": user, **state}, sys.argv[2])
"""
    out = tmp_path / "state.safetensors"
    subprocess.run([sys.executable, "-c", code, str(path), str(out)], cwd=ROOT, check=True, timeout=120)
    one = torch.ones(USERS, dtype=torch.long)
    user, state = compiled(one, one, compiled.start())
    assert all(torch.equal(tensor, {"user": user, **state}[name]) for name, tensor in load_file(out).items())


def test_what_it_was_not_compiled_for_is_refused(compiled: CompiledStep) -> None:
    one, state = torch.ones(USERS, dtype=torch.long), compiled.start()
    with pytest.raises(ValueError, match=r"items is \(1,\)"):
        compiled(one[:1], one[:1], state)
    with pytest.raises(ValueError, match=r"timestamps .* of torch.int32"):
        compiled(one, one.int(), state)
    with pytest.raises(ValueError, match=r"gaps\.last is \(1,\)"):
        compiled(one, one, {name: tensor[:1] for name, tensor in state.items()})
    with pytest.raises(ValueError, match="other is not in both"):
        compiled(one, one, {**state, "other": one})
    with pytest.raises(ValueError, match=r"gaps\.last is not in both"):
        compiled(one, one, {})


@pytest.mark.parametrize(("users", "name", "training"), [(0, "a.pt2", False), (1, "a.so", False), (1, "a.pt2", True)])
def test_what_cannot_be_compiled_is_told_at_once(users: int, name: str, training: bool, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="export_step"):
        export_step(system().train(training), users, tmp_path / name)


def test_a_state_is_saved_as_it_is(tmp_path: Path) -> None:
    one = torch.ones(3, dtype=torch.long)
    _, state = system().step(one, one, system().start())
    save_file(state, tmp_path / "state.safetensors")
    assert all(torch.equal(tensor, state[name]) for name, tensor in load_file(tmp_path / "state.safetensors").items())
