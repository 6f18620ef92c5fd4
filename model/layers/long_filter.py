"""The dual-channel Fourier filter of the causal form (MODELS §2): long convolutions in place of a window's spectrum.

Shapes: B batch, L positions, T channels, M oscillations a channel.
"""

import math

import torch
from torch import Tensor, nn

from model.ops.long_conv import long_conv, long_conv_step, long_conv_with_state, make_turn
from model.ops.pairs import to_channels
from model.state import Carry


class LongFilter(nn.Module):
    """A causal filter of each channel of the time signal: learned damped oscillations.

    Args:
        width: T.
        oscillations: M, how many a channel; they start spread over periods of 2 to 128 positions.
    """

    def __init__(self, width: int, oscillations: int) -> None:
        super().__init__()
        periods_M = torch.logspace(1, 7, oscillations, base=2.0)
        self.log_damping = nn.Parameter((1 / periods_M).log().expand(width, -1).clone())
        self.frequency = nn.Parameter((2 * math.pi / periods_M).expand(width, -1).clone())
        self.weight = nn.Parameter(torch.randn(width, oscillations, 2) / oscillations)

    def forward(self, x_BLT: Tensor, carry: Carry | None = None) -> Tensor:
        """``(B, L, T)`` to the same, each position from itself and those before."""
        if carry is not None and carry.click:
            return self._click(x_BLT, carry)
        with torch.autocast(x_BLT.device.type, enabled=False):  # transforms have no narrow types
            x_BLT = x_BLT.to(torch.promote_types(x_BLT.dtype, torch.float32))
            rate_TM = torch.complex(-self.log_damping.exp(), self.frequency)
            weight_TM = torch.view_as_complex(self.weight)
            if carry is None:
                return long_conv(x_BLT, rate_TM, weight_TM)
            initial_BTM = torch.view_as_complex(carry.take("waves", self.weight.shape, x_BLT))
            y_BLT, final_BTM = long_conv_with_state(x_BLT, rate_TM, weight_TM, initial_BTM, carry.lengths_B)
            carry.give("waves", torch.view_as_real(final_BTM))
            return y_BLT

    def _click(self, x_B1T: Tensor, carry: Carry) -> Tensor:
        state_BTM2 = carry.take("waves", self.weight.shape, self.weight)
        turn = carry.constant("turn", lambda: make_turn(-self.log_damping.exp(), self.frequency, self.weight))
        y_BT, state_BTM2 = long_conv_step(x_B1T.mT, turn, state_BTM2)
        carry.give("waves", state_BTM2)
        return y_BT.unsqueeze(1)


class DualChannelLongFilter(nn.Module):
    """Each stream's time signal filters itself (adaptive); a learned filter acts on their sum.

    ``a_m = τ_m ⊙ (k_m * τ_m)``, ``τ_c = k_c * (a_text + a_image)``. Both streams' filters are one over the channels
    of both.
    """

    def __init__(self, width: int, oscillations: int) -> None:
        super().__init__()
        self.streams = LongFilter(2 * width, oscillations)
        self.joint = LongFilter(width, oscillations)

    def forward(self, tau_RLT: Tensor, carry: Carry | None = None) -> Tensor:
        """The signals of both streams, ``(2B, L, T)``, to the fused one ``(B, L, T)``."""
        both = to_channels(tau_RLT)
        text, image = (both * self.streams(both, carry and carry.of("streams"))).chunk(2, dim=-1)
        out: Tensor = self.joint(text + image, carry and carry.of("joint"))
        return out
