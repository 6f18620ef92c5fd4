"""The SSD operator: its forms are equal, and what a position must not see does not reach it."""

from importlib import import_module

import pytest
import torch

from model.ops.ssd import Form, Skip, ssd, ssd_step, ssd_with_state
from tests.model.ops.scans import assert_same
from tests.model.ops.ssd_inputs import BATCH, HEADS, STATE, WIDTH, draw, outcome

FORMS = ["quadratic", "chunked", "recurrent"]


@pytest.mark.parametrize("skip", ["scaled", "plain"])
@pytest.mark.parametrize("with_initial", [False, True], ids=["from zeros", "from a state"])
@pytest.mark.parametrize("groups", [1, 2, HEADS])
@pytest.mark.parametrize("length", [1, 3, 63, 64, 65, 500])
def test_forms_give_the_same_values_gradients_and_state(
    length: int, groups: int, with_initial: bool, skip: Skip
) -> None:
    tensors = draw(length, groups)[: 7 if with_initial else 6]
    expected = outcome(tensors, skip=skip, form="recurrent")
    assert expected["y"].shape == (BATCH, length, HEADS, WIDTH)
    assert expected["final"].shape == (BATCH, HEADS, STATE, WIDTH)
    for form in ("quadratic", "chunked", None):
        assert_same(outcome(tensors, skip=skip, form=form), expected)


@pytest.mark.parametrize("cached", [1, 3])
def test_chunks_read_few_at_a_time_give_what_all_at_once_give(cached: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = draw(300, 2)
    starts_BL = torch.zeros(BATCH, 300, dtype=torch.bool)
    starts_BL[1, 200] = True
    expected = outcome(tensors, starts_BL=starts_BL, form="recurrent")
    monkeypatch.setattr(import_module("model.ops.ssd.chunked"), "CACHED", cached)
    assert_same(outcome(tensors, starts_BL=starts_BL, form="chunked"), expected)


def test_chunks_of_chunks_of_chunks() -> None:
    """64 · 16 · 16 positions are mixed at two levels of states; one more makes a third."""
    length = 64 * 16 * 16 + 1
    tensors = draw(length, 1, batch=1)
    tensors[1] = tensors[1] * 1e-3  # so that a state lives through the whole of it
    half = [tensor[:, : length // 2] if tensor.shape[1:2] == (length,) else tensor for tensor in tensors]
    rest = [tensor[:, length // 2 :] if tensor.shape[1:2] == (length,) else tensor for tensor in tensors]
    whole, final = ssd_with_state(*tensors[:6], initial_BHNP=tensors[6], form="chunked")
    first, state = ssd_with_state(*half[:6], initial_BHNP=tensors[6], form="chunked")
    second, last = ssd_with_state(*rest[:6], initial_BHNP=state, form="chunked")
    torch.testing.assert_close(whole, torch.cat([first, second], dim=1), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(final, last, rtol=1e-9, atol=1e-9)
    ends = ssd(*[t[:, :70] if t.shape[1:2] == (length // 2,) else t for t in half[:6]], initial_BHNP=tensors[6])
    torch.testing.assert_close(whole[:, :70], ends, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("skip", ["scaled", "plain"])
def test_steps_give_what_all_positions_at_once_give(skip: Skip) -> None:
    x, dt, A, B, C, D, state = draw(67, 2)
    y, final = ssd_with_state(x, dt, A, B, C, D, skip, initial_BHNP=state)
    for at in range(67):
        now = (x[:, at, :, None], dt[:, at, :, None, None], A[:, None, None], B[:, at, ..., None], C[:, at, :, None])
        y_at, state = ssd_step(*now, D[:, None, None], state, skip)
        torch.testing.assert_close(y_at.squeeze(-2), y[:, at], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(state, final, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_one_head_by_hand(form: Form) -> None:
    x, dt, A, B, C, D = (torch.tensor(v, dtype=torch.float64) for v in ([2.0, 3.0], [0.5, 0.25], -1.0, 4.0, 5.0, 7.0))
    both = torch.ones(1, 2, 1, 1, dtype=torch.float64)
    for skip, expected in (
        ("scaled", [5 * 4 * 1.0 + 7 * 1.0, 5 * 4 * (torch.exp(-dt[1]) * 1.0 + 0.75) + 7 * 0.75]),
        ("plain", [5 * 4 * 1.0 + 7 * 2.0, 5 * 4 * (torch.exp(-dt[1]) * 1.0 + 0.75) + 7 * 3.0]),
    ):
        y = ssd(x.view(1, 2, 1, 1), dt.view(1, 2, 1), A.view(1), B * both, C * both, D.view(1), skip, form=form)  # type: ignore[arg-type]
        torch.testing.assert_close(y.flatten(), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("changed", [0, 1, 3, 4], ids=["x", "dt", "B", "C"])
def test_nothing_before_a_change_moves(form: Form, changed: int) -> None:
    tensors = draw(90, 2)[:6]
    before = ssd(*tensors, form=form)
    tensors[changed] = tensors[changed].clone()
    tensors[changed][:, 70:] *= 3.0
    after = ssd(*tensors, form=form)
    torch.testing.assert_close(after[:, :70], before[:, :70], rtol=0, atol=0)
    assert not torch.allclose(after[:, 70], before[:, 70])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("length", "batch"), [(0, 2), (5, 0), (100, 0), (0, 0)])
def test_nothing_in_nothing_out(form: Form, length: int, batch: int) -> None:
    tensors = [tensor.requires_grad_() for tensor in draw(length, 2, batch=batch)]
    y, final = ssd_with_state(*tensors[:6], initial_BHNP=tensors[6], form=form)
    assert y.shape == (batch, length, HEADS, WIDTH)
    assert final.shape == (batch, HEADS, STATE, WIDTH)
    (y.sum() + final.sum()).backward()
    if length == 0:
        torch.testing.assert_close(final, tensors[6], rtol=0, atol=0)
        zeros = ssd_with_state(*tensors[:6], form=form)[1]
        assert zeros.shape == final.shape and not zeros.any()


@pytest.mark.parametrize("form", FORMS)
def test_a_fast_decay_over_a_long_window_stays_finite(form: Form) -> None:
    """exp(Σ A·dt) underflows to nothing; the masked future must not overflow to NaN, in the gradient either."""
    x, dt, A, B, C, D, initial = (tensor.float() for tensor in draw(200, 1))
    dt = (dt * 50).requires_grad_()
    y, final = ssd_with_state(x, dt, A, B, C, D, initial_BHNP=initial, form=form)
    (y.square().sum() + final.square().sum()).backward()
    assert y.isfinite().all() and final.isfinite().all()
    assert dt.grad is not None and dt.grad.isfinite().all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("autocast", [False, True], ids=["bfloat16 inputs", "autocast"])
def test_states_stay_in_float32_where_products_are_in_bfloat16(form: Form, autocast: bool) -> None:
    tensors = [tensor.float() for tensor in draw(100, 2)]
    expected_y, expected_final = ssd_with_state(*tensors[:6], initial_BHNP=tensors[6])
    given = [t if autocast or index in (1, 2, 5, 6) else t.bfloat16() for index, t in enumerate(tensors)]
    given = [tensor.requires_grad_() for tensor in given]
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        y, final = ssd_with_state(*given[:6], initial_BHNP=given[6], form=form)
    assert (y.dtype, final.dtype) == (torch.bfloat16, torch.float32)
    scale = expected_y.abs().max()
    torch.testing.assert_close(y.float() / scale, expected_y / scale, rtol=0, atol=1e-2)
    torch.testing.assert_close(final, expected_final, rtol=2e-2, atol=5e-2)
    (y.float().sum() + final.sum()).backward()
    for tensor in given:
        assert tensor.grad is not None and tensor.grad.dtype == tensor.dtype and tensor.grad.isfinite().all()
