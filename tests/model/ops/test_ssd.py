"""The SSD sum: its quadratic form equals the recurrence, and what it must not see does not reach it."""

import pytest
import torch
from torch import Tensor

from model.ops.ssd import Skip, ssd, ssd_recurrent

HEADS, WIDTH, STATE = 4, 3, 5


def draw(length: int, groups: int, batch: int = 2) -> list[Tensor]:
    random = torch.Generator().manual_seed(length * 10 + groups)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    return [
        normal(batch, length, HEADS, WIDTH),
        normal(batch, length, HEADS).exp(),
        -normal(HEADS).exp(),
        normal(batch, length, groups, STATE),
        normal(batch, length, groups, STATE),
        normal(HEADS),
    ]


@pytest.mark.parametrize("skip", ["scaled", "plain"])
@pytest.mark.parametrize("groups", [1, 2, HEADS])
@pytest.mark.parametrize("length", [1, 3, 21])
def test_both_forms_give_the_same_values_and_gradients(length: int, groups: int, skip: Skip) -> None:
    fast, slow = ([tensor.clone().requires_grad_() for tensor in tensors] for tensors in (draw(length, groups),) * 2)
    y_fast, y_slow = ssd(*fast, skip=skip), ssd_recurrent(*slow, skip=skip)
    assert y_fast.shape == (2, length, HEADS, WIDTH)
    torch.testing.assert_close(y_fast, y_slow, rtol=1e-9, atol=1e-9)
    weights = torch.randn(y_fast.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (y_fast * weights).sum().backward()
    (y_slow * weights).sum().backward()
    for name, one, other in zip(["x", "dt", "A", "B", "C", "D"], fast, slow, strict=True):
        assert one.grad is not None and other.grad is not None, name
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-9, atol=1e-9, msg=lambda m, name=name: f"{name}: {m}")


def test_one_head_by_hand() -> None:
    x, dt, A, B, C, D = (torch.tensor(v, dtype=torch.float64) for v in ([2.0, 3.0], [0.5, 0.25], -1.0, 4.0, 5.0, 7.0))
    both = torch.ones(1, 2, 1, 1, dtype=torch.float64)
    for skip, expected in (
        ("scaled", [5 * 4 * 1.0 + 7 * 1.0, 5 * 4 * (torch.exp(-dt[1]) * 1.0 + 0.75) + 7 * 0.75]),
        ("plain", [5 * 4 * 1.0 + 7 * 2.0, 5 * 4 * (torch.exp(-dt[1]) * 1.0 + 0.75) + 7 * 3.0]),
    ):
        y = ssd(x.view(1, 2, 1, 1), dt.view(1, 2, 1), A.view(1), B * both, C * both, D.view(1), skip)  # type: ignore[arg-type]
        torch.testing.assert_close(y.flatten(), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("form", [ssd, ssd_recurrent])
@pytest.mark.parametrize("changed", [0, 1, 3, 4], ids=["x", "dt", "B", "C"])
def test_nothing_before_a_change_moves(form, changed: int) -> None:
    tensors = draw(9, 2)
    before = form(*tensors)
    tensors[changed] = tensors[changed].clone()
    tensors[changed][:, 5:] *= 3.0
    after = form(*tensors)
    torch.testing.assert_close(after[:, :5], before[:, :5], rtol=0, atol=0)
    assert not torch.allclose(after[:, 5], before[:, 5])


def test_padding_on_the_right_changes_nothing() -> None:
    long = draw(13, 2)
    short = [tensor[:, :8] if tensor.dim() > 1 else tensor for tensor in long]
    torch.testing.assert_close(ssd(*long)[:, :8], ssd(*short), rtol=1e-12, atol=1e-12)


def test_a_fast_decay_over_a_long_window_stays_finite() -> None:
    """exp(Σ A·dt) underflows to nothing; the masked future must not overflow to NaN, in the gradient either."""
    x, dt, A, B, C, D = (tensor.float() for tensor in draw(60, 1))
    dt = (dt * 50).requires_grad_()
    y = ssd(x, dt, A, B, C, D)
    y.square().sum().backward()
    assert y.isfinite().all()
    assert dt.grad is not None and dt.grad.isfinite().all()
