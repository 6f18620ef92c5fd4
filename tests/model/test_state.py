"""The state of a causal model: taken and given part by part."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from model import MMM4Rec
from model.state import Carry, State, bytes_a_user
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
