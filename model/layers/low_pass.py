"""A causal low-pass filter: the slow part of each channel.

Shapes: B batch, L positions, C channels.
"""

import math

import torch
from torch import Tensor, nn

from model.ops.long_conv import long_conv, long_conv_with_state
from model.state import Carry


class LowPass(nn.Module):
    """``y_l = Σ_{j≤l} (1 - r)·r^{l-j} ⊙ x_j`` with a learned ``r`` of each channel.

    Its gain is 1 at frequency 0 and falls from ``log(1/r)`` radians a position on; it is computed as the project's
    causal long convolution with a rate that damps and does not turn.

    Args:
        channels: C; memories start spread over 2 to 32 positions.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_damping = nn.Parameter(torch.linspace(math.log(1 / 2), math.log(1 / 32), channels))

    def forward(self, x_BLC: Tensor, carry: Carry | None = None) -> Tensor:
        """``(B, L, C)`` to the same, with ``carry`` as further positions."""
        with torch.autocast(x_BLC.device.type, enabled=False):  # transforms have no narrow types
            x_BLC = x_BLC.to(torch.promote_types(x_BLC.dtype, torch.float32))
            damping_C1 = self.log_damping.exp().unsqueeze(1)
            rate_C1 = torch.complex(-damping_C1, torch.zeros_like(damping_C1))
            gain = -torch.expm1(-damping_C1)
            weight_C1 = torch.complex(gain, torch.zeros_like(gain))
            if carry is None:
                return long_conv(x_BLC, rate_C1, weight_C1)
            before_BC1 = carry.take("mean", rate_C1.shape, x_BLC)
            if carry.click:  # nothing turns, and a compiler makes no code for complex numbers
                after_BC1 = torch.addcmul(x_BLC.transpose(1, 2), torch.exp(-damping_C1), before_BC1)
                carry.give("mean", after_BC1)
                return (gain * after_BC1).transpose(1, 2)
            initial_BC1 = before_BC1.to(rate_C1.dtype)
            y_BLC, final_BC1 = long_conv_with_state(x_BLC, rate_C1, weight_C1, initial_BC1, carry.lengths_B)
            carry.give("mean", final_BC1.real)
            return y_BLC
