"""The long convolution against its sum written out, and in parts against the whole."""

import pytest
import torch
from torch import Tensor

from model.ops.long_conv import long_conv, long_conv_step, long_conv_with_state, make_turn

CHANNELS, OSCILLATIONS = 3, 2
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def draw(batch: int, length: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """x, rate, weight in float64; the slowest oscillation keeps a fifth of itself over 500 positions."""
    random = torch.Generator().manual_seed(seed)
    damping = torch.logspace(-2.5, 0, CHANNELS * OSCILLATIONS, dtype=torch.float64).view(CHANNELS, OSCILLATIONS)
    turning = torch.rand(CHANNELS, OSCILLATIONS, dtype=torch.float64, generator=random) * torch.pi
    weight = torch.randn(CHANNELS, OSCILLATIONS, dtype=torch.complex128, generator=random)
    x = torch.randn(batch, length, CHANNELS, dtype=torch.float64, generator=random)
    return x, torch.complex(-damping, turning), weight


def initial(batch: int, seed: int = 1) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(batch, CHANNELS, OSCILLATIONS, dtype=torch.complex128, generator=random)


def written_out(x_BLC: Tensor, rate_CM: Tensor, weight_CM: Tensor, h_BCM: Tensor) -> tuple[Tensor, Tensor]:
    """``h_l = exp(rate)·h_{l-1} + x_l``, ``y_l = Re Σ_m weight·h_l``, a position at a time."""
    ys = []
    for x_BC in x_BLC.unbind(1):
        h_BCM = torch.exp(rate_CM) * h_BCM + x_BC.unsqueeze(-1)
        ys.append((weight_CM * h_BCM).sum(-1).real)
    return torch.stack(ys, 1) if ys else x_BLC, h_BCM


@pytest.mark.parametrize("length", [1, 2, 3, 63, 500])
def test_is_the_direct_sum(length: int) -> None:
    x, rate, weight = draw(2, length)
    ages = torch.arange(length).view(-1, 1, 1)
    kernel = (weight * torch.exp(rate * ages)).sum(-1).real
    direct = torch.stack([(kernel[: at + 1].flip(0) * x[:, : at + 1]).sum(1) for at in range(length)], 1)
    torch.testing.assert_close(long_conv(x, rate, weight), direct, **CLOSE)
    torch.testing.assert_close(long_conv(x, rate, weight), written_out(x, rate, weight, initial(2) * 0)[0], **CLOSE)


def test_what_comes_later_moves_nothing() -> None:
    x, rate, weight = draw(1, 40)
    later = x.clone()
    later[:, 17:] += 1e3
    before, after = long_conv(x, rate, weight), long_conv(later, rate, weight)
    torch.testing.assert_close(after[:, :17], before[:, :17], rtol=0, atol=1e-9)
    assert (after[:, 17] - before[:, 17]).abs().min() > 1


def test_no_position_at_all() -> None:
    x, rate, weight = draw(2, 0)
    assert long_conv(x, rate, weight).shape == (2, 0, CHANNELS)
    y, final = long_conv_with_state(x, rate, weight, initial(2), torch.zeros(2, dtype=torch.long))
    assert y.shape == (2, 0, CHANNELS) and torch.equal(final, initial(2))


def test_gradients() -> None:
    inputs = [tensor.requires_grad_() for tensor in (*draw(2, 5), initial(2))]
    lengths = torch.tensor([5, 3])
    assert torch.autograd.gradcheck(long_conv, inputs[:3])
    assert torch.autograd.gradcheck(lambda *given: long_conv_with_state(*given, lengths), inputs)


@pytest.mark.parametrize("length", [1, 2, 7, 64])
def test_a_state_goes_on_with_what_came_before(length: int) -> None:
    x, rate, weight = draw(3, length)
    y, final = long_conv_with_state(x, rate, weight, initial(3), torch.full((3,), length))
    expected, state = written_out(x, rate, weight, initial(3))
    torch.testing.assert_close(y, expected, **CLOSE)
    torch.testing.assert_close(final, state, **CLOSE)


@pytest.mark.parametrize("cuts", [[1], [7, 8], [20], [3, 3, 10]], ids=str)
def test_parts_are_the_whole(cuts: list[int]) -> None:
    x, rate, weight = draw(2, 20)
    state, parts = initial(2) * 0, []
    for part in x.tensor_split(cuts, dim=1):
        y, state = long_conv_with_state(part, rate, weight, state, torch.full((2,), part.shape[1]))
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts, 1), long_conv(x, rate, weight), **CLOSE)
    torch.testing.assert_close(state, written_out(x, rate, weight, initial(2) * 0)[1], **CLOSE)


def test_padding_on_the_right_leaves_the_state_alone() -> None:
    x, rate, weight = draw(4, 9)
    lengths = torch.tensor([9, 4, 1, 0])
    y, final = long_conv_with_state(x, rate, weight, initial(4), lengths)
    for row, length in enumerate(lengths.tolist()):
        only = slice(row, row + 1)
        expected, state = written_out(x[only, :length], rate, weight, initial(4)[only])
        torch.testing.assert_close(y[only, :length], expected, **CLOSE)
        torch.testing.assert_close(final[only], state, **CLOSE)
    assert torch.equal(final[3], initial(4)[3]), "no event, no change"


def test_step_by_step_is_the_whole() -> None:
    x, rate, weight = draw(2, 30)
    y, h = written_out(x, rate, weight, initial(2))
    turn = make_turn(rate.real, rate.imag, torch.view_as_real(weight))
    state = torch.view_as_real(initial(2))
    for at in range(30):
        y_at, state = long_conv_step(x[:, at, :, None], turn, state)
        torch.testing.assert_close(y_at, y[:, at], **CLOSE)
    torch.testing.assert_close(torch.view_as_complex(state), h, **CLOSE)
