"""The selective scan: its forms are equal, and what a position must not see does not reach it."""

from importlib import import_module
from importlib.util import find_spec

import pytest
import torch

from model.ops.selective_scan import Form, selective_scan, selective_scan_step, selective_scan_with_state
from tests.model.ops.scan_inputs import BATCH, CHANNELS, STATE, draw, outcome
from tests.model.ops.scans import assert_same

FORMS = ["chunked", "recurrent"]


@pytest.mark.parametrize("with_initial", [False, True], ids=["from zeros", "from a state"])
@pytest.mark.parametrize("length", [1, 3, 63, 64, 65, 500, 1100])
def test_forms_give_the_same_values_gradients_and_state(length: int, with_initial: bool) -> None:
    """1,100 positions are more chunks than one level of states loops over."""
    tensors = draw(length)[: 7 if with_initial else 6]
    expected = outcome(tensors, form="recurrent")
    assert expected["y"].shape == (BATCH, length, CHANNELS)
    assert expected["final"].shape == (BATCH, CHANNELS, STATE)
    for form in ("chunked", None):
        assert_same(outcome(tensors, form=form), expected)


@pytest.mark.parametrize("numbers", [1, 40])
@pytest.mark.parametrize("length", [20, 200])
def test_rows_in_blocks_give_what_one_block_gives(numbers: int, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of one row, and of two with a last one that is smaller."""
    tensors = draw(length, batch=3)
    expected = outcome(tensors)
    monkeypatch.setattr(import_module("model.ops.selective_scan.chunked"), "_CACHED", numbers)
    assert_same(outcome(tensors), expected)


def test_steps_give_what_all_positions_at_once_give() -> None:
    x, dt, A, B, C, D, state = draw(67)
    y, final = selective_scan_with_state(x, dt, A, B, C, D, initial_BDN=state)
    for at in range(67):
        y_at, state = selective_scan_step(x[:, at], dt[:, at], A, B[:, at], C[:, at], D, state)
        torch.testing.assert_close(y_at, y[:, at], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(state, final, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_one_channel_by_hand(form: Form) -> None:
    x, dt, A, D = (torch.tensor(v, dtype=torch.float64) for v in ([2.0, 3.0], [0.5, 0.25], [-1.0, -2.0], 7.0))
    B, C = (torch.tensor(v, dtype=torch.float64) for v in ([[4.0, 1.0], [2.0, 3.0]], [[5.0, 6.0], [1.0, 8.0]]))
    y, final = selective_scan_with_state(
        x.view(1, 2, 1), dt.view(1, 2, 1), A.view(1, 2), B[None], C[None], D.view(1), form=form
    )
    first = B[0]  # dt·x = 1
    second = torch.exp(A * 0.25) * first + 0.75 * B[1]
    expected = torch.stack([C[0] @ first + 14, C[1] @ second + 21])
    torch.testing.assert_close(y.flatten(), expected)
    torch.testing.assert_close(final[0, 0], second)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("changed", [0, 1, 3, 4], ids=["x", "dt", "B", "C"])
def test_nothing_before_a_change_moves(form: Form, changed: int) -> None:
    tensors = draw(90)[:6]
    before = selective_scan(*tensors, form=form)
    tensors[changed] = tensors[changed].clone()
    tensors[changed][:, 70:] *= 3.0
    after = selective_scan(*tensors, form=form)
    torch.testing.assert_close(after[:, :70], before[:, :70], rtol=0, atol=0)
    assert not torch.allclose(after[:, 70], before[:, 70])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("length", "batch"), [(0, 2), (5, 0), (100, 0), (0, 0)])
def test_nothing_in_nothing_out(form: Form, length: int, batch: int) -> None:
    tensors = [tensor.requires_grad_() for tensor in draw(length, batch=batch)]
    y, final = selective_scan_with_state(*tensors[:6], initial_BDN=tensors[6], form=form)
    assert y.shape == (batch, length, CHANNELS)
    assert final.shape == (batch, CHANNELS, STATE)
    (y.sum() + final.sum()).backward()
    if length == 0:
        torch.testing.assert_close(final, tensors[6], rtol=0, atol=0)
        zeros = selective_scan_with_state(*tensors[:6], form=form)[1]
        assert zeros.shape == final.shape and not zeros.any()


@pytest.mark.parametrize("form", FORMS)
def test_a_fast_decay_over_a_long_window_stays_finite(form: Form) -> None:
    x, dt, A, B, C, D, initial = (tensor.float() for tensor in draw(200))
    dt = (dt * 500).requires_grad_()
    y, final = selective_scan_with_state(x, dt, A, B, C, D, initial_BDN=initial, form=form)
    (y.square().sum() + final.square().sum()).backward()
    assert y.isfinite().all() and final.isfinite().all()
    assert dt.grad is not None and dt.grad.isfinite().all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("autocast", [False, True], ids=["bfloat16 inputs", "autocast"])
def test_states_stay_in_float32(form: Form, autocast: bool) -> None:
    """Inputs that bfloat16 can hold: nothing is rounded but y, and that only where x is in bfloat16."""
    tensors = [tensor.bfloat16().float() for tensor in draw(100)]
    expected_y, expected_final = selective_scan_with_state(*tensors[:6], initial_BDN=tensors[6])
    given = [(tensor if autocast else tensor.bfloat16()).requires_grad_() for tensor in tensors]
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        y, final = selective_scan_with_state(*given[:6], initial_BDN=given[6], form=form)
    assert (y.dtype, final.dtype) == (given[0].dtype, torch.float32)
    torch.testing.assert_close(y, expected_y.to(y.dtype), rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(final, expected_final, rtol=1e-4, atol=1e-4)
    (y.float().sum() + final.sum()).backward()
    for tensor in given:
        assert tensor.grad is not None and tensor.grad.dtype == tensor.dtype and tensor.grad.isfinite().all()


def test_cuda_is_refused_on_a_cpu() -> None:
    with pytest.raises(ValueError, match=r"'cuda', its tensors are on cpu, not on CUDA: move them"):
        selective_scan(*draw(5)[:6], form="cuda")


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no form 'linear': one of chunked, recurrent, cuda"):
        selective_scan(*draw(5)[:6], form="linear")  # type: ignore[arg-type]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.skipif(find_spec("mamba_ssm") is None, reason="mamba_ssm is not installed")
def test_cuda_equals_the_chunked_form() -> None:
    results = {}
    for form in ("cuda", "chunked"):
        leaves = [tensor.float().cuda().requires_grad_() for tensor in draw(300)[:6]]
        y = selective_scan(*leaves, form=form)  # type: ignore[arg-type]
        y.square().sum().backward()
        with torch.no_grad():
            _, final = selective_scan_with_state(*leaves, form=form)  # type: ignore[arg-type]
        results[form] = [y, final, *(leaf.grad for leaf in leaves)]
    for one, other in zip(results["cuda"], results["chunked"], strict=True):
        scale = other.abs().max()
        torch.testing.assert_close(one / scale, other / scale, rtol=0, atol=1e-3)
