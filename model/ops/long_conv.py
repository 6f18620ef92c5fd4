"""A causal convolution as long as the history, by FFT or one position at a time.

Its kernel is a sum of damped oscillations, so that what it needs of the past is one complex number each:
``k_j = Re Σ_m weight_m · exp(rate_m · j)``.

Shapes: B batch, L positions, C channels, M oscillations a channel.
"""

from typing import NamedTuple

import torch
from torch import Tensor


def long_conv(x_BLC: Tensor, rate_CM: Tensor, weight_CM: Tensor) -> Tensor:
    """``y_l = Σ_{j≤l} k_{l-j} ⊙ x_j``, in O(L log L): zero padding keeps the circle from closing.

    Args:
        x_BLC: real, float32 or float64.
        rate_CM: complex; the real part, below 0, damps, the imaginary part turns, per position.
        weight_CM: complex.

    Returns:
        ``y_BLC``.
    """
    length = x_BLC.shape[1]
    kernel_LC = (weight_CM * _powers(rate_CM, torch.arange(length, device=x_BLC.device))).sum(dim=-1).real
    size = max(2 * length, 1)  # there is no transform of nothing
    spectrum = torch.fft.rfft(x_BLC, size, dim=1) * torch.fft.rfft(kernel_LC, size, dim=0)
    y_BLC: Tensor = torch.fft.irfft(spectrum, size, dim=1)
    return y_BLC[:, :length]


def long_conv_with_state(
    x_BLC: Tensor, rate_CM: Tensor, weight_CM: Tensor, initial_BCM: Tensor, lengths_B: Tensor
) -> tuple[Tensor, Tensor]:
    """``(y_BLC, final_BCM)`` given the complex state of what came before.

    ``h_l = exp(rate)·h_{l-1} + x_l``, ``y_l = Re(weight·h_l)``; a row's positions from ``lengths`` on are padding
    and leave its state alone.
    """
    length = x_BLC.shape[1]
    ages_L = torch.arange(1, length + 1, device=x_BLC.device)
    before_BLC = torch.einsum("bcm,lcm->blc", initial_BCM * weight_CM, _powers(rate_CM, ages_L)).real
    y_BLC = long_conv(x_BLC, rate_CM, weight_CM) + before_BLC
    left_BL = lengths_B.unsqueeze(1) - ages_L
    inside_BLC = torch.where((left_BL >= 0).unsqueeze(-1), x_BLC, 0.0).to(initial_BCM.dtype)
    added_BCM = torch.einsum("blc,blcm->bcm", inside_BLC, _powers(rate_CM, left_BL.clamp(min=0)))
    return y_BLC, _powers(rate_CM, lengths_B) * initial_BCM + added_BCM


class Turn(NamedTuple):
    """What one position does to oscillations ``re, im``: ``along·(re, im) + across·(im, re)``; ``read`` makes y."""

    along_CM1: Tensor
    across_CM2: Tensor
    read_CM2: Tensor


def make_turn(damping_CM: Tensor, angle_CM: Tensor, weight_CM2: Tensor) -> Turn:
    """The turn of a kernel: real and imaginary part of its rates, and both of its weights last."""
    shrink_CM = torch.exp(damping_CM)
    across_CM = shrink_CM * torch.sin(angle_CM)
    read_CM2 = weight_CM2 * weight_CM2.new_tensor([1.0, -1.0])
    return Turn((shrink_CM * torch.cos(angle_CM)).unsqueeze(-1), torch.stack((-across_CM, across_CM), dim=-1), read_CM2)


def long_conv_step(x_BC1: Tensor, turn: Turn, state_BCM2: Tensor) -> tuple[Tensor, Tensor]:
    """One position, for serving: ``(y_BC, the next state)``.

    A complex number is its two parts here, last in the state: a compiler makes no code for complex ones.
    """
    next_BCM2 = torch.mul(turn.along_CM1, state_BCM2).addcmul_(turn.across_CM2, state_BCM2.flip(-1))
    next_BCM2.select(-1, 0).add_(x_BC1)
    return (turn.read_CM2 * next_BCM2).sum(dim=(-2, -1)), next_BCM2


def _powers(rate_CM: Tensor, ages: Tensor) -> Tensor:
    """``exp(rate·age)``: ``(…, C, M)``."""
    return torch.exp(rate_CM * ages[..., None, None])
