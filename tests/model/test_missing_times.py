"""A causal model where time says nothing: timestamps missing, constant, or of one event only."""

import pytest
import torch
from torch import Tensor

from model import MMM4Rec
from tests.model.contract import draw_catalogue, draw_histories

ITEMS, LENGTH, NOW = 11, 8, 1_500_000_000
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def system(**options: bool) -> MMM4Rec:
    torch.manual_seed(0)
    made = MMM4Rec(hidden=8, inner=8, state=3, head_dim=4, groups=2, time_width=3, dropout=0.0, **options)
    made.bind(ITEMS, *draw_catalogue(ITEMS))
    torch.manual_seed(1)
    for parameter in made.parameters():  # an untrained time path says little
        torch.nn.init.normal_(parameter, std=0.5)
    return made.eval()


ITEMS_BL, LENGTHS_B, TIMES_BL = draw_histories([LENGTH, 3, 1], LENGTH, ITEMS)
VALID_BL = torch.arange(LENGTH) < LENGTHS_B[:, None]


def vectors(times_BL: Tensor, **options: bool) -> Tensor:
    with torch.no_grad():
        return system(**options).users(ITEMS_BL, LENGTHS_B, times_BL * VALID_BL, VALID_BL)


def constant(value: int) -> Tensor:
    return torch.full((3, LENGTH), value)


def test_time_matters_where_it_is_known() -> None:
    assert not torch.allclose(vectors(TIMES_BL), vectors(constant(0)), atol=1e-3)
    assert not torch.allclose(vectors(TIMES_BL), vectors(constant(NOW)), atol=1e-3)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("value", [0, 1, NOW], ids=["missing", "1970", "constant"])
def test_missing_and_constant_times_are_finite_and_train(value: int, periodic: bool) -> None:
    model = system(periodic=periodic).train()
    users = model.users(ITEMS_BL, LENGTHS_B, constant(value) * VALID_BL, VALID_BL)
    users.square().sum().backward()
    assert users.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_which_constant_it_is_says_nothing() -> None:
    torch.testing.assert_close(vectors(constant(1)), vectors(constant(NOW)), **CLOSE)


def test_times_that_only_go_back_are_like_constant_ones() -> None:
    backwards = NOW - 1000 * torch.arange(LENGTH).expand(3, -1)
    torch.testing.assert_close(vectors(backwards), vectors(constant(NOW)), **CLOSE)


def test_where_no_gap_is_known_there_is_no_information() -> None:
    """Every second timestamp missing is as good as all."""
    every_second = TIMES_BL * (torch.arange(LENGTH) % 2)
    assert every_second.any()
    torch.testing.assert_close(vectors(every_second), vectors(constant(0)), **CLOSE)


def test_with_time_off_timestamps_are_not_read() -> None:
    torch.testing.assert_close(vectors(TIMES_BL, time=False), vectors(constant(0), time=False), rtol=0, atol=0)


def test_one_user_without_times_leaves_the_others_alone() -> None:
    mixed = TIMES_BL.clone()
    mixed[0] = 0
    rows_T = VALID_BL.nonzero()[:, 0]
    both, missing = vectors(mixed), vectors(constant(0))
    torch.testing.assert_close(both[rows_T > 0], vectors(TIMES_BL)[rows_T > 0], **CLOSE)
    torch.testing.assert_close(both[rows_T == 0], missing[rows_T == 0], **CLOSE)


def test_a_state_of_events_without_times_goes_on() -> None:
    model, times = system(), TIMES_BL.clone()
    times[:, :2] = 0
    whole = model.positions(ITEMS_BL[:1], times[:1])
    state = model.start()
    for at in range(LENGTH):
        user, state = model.step(ITEMS_BL[:1, at], times[:1, at], state)
        torch.testing.assert_close(user, whole[:, at], rtol=1e-4, atol=1e-5)
