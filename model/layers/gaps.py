"""Time as a causal model may know it: the gap before each item, and where in day and week the item fell.

Shapes: B batch, L positions, F features. Timestamps are whole seconds since 1970 as int64, 0 where unknown.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.state import Carry

DAY, WEEK = 86_400, 604_800
_LONGEST = 20 * 365 * DAY


class GapEncoding(nn.Module):
    """Gaps on a log scale, from a second to twenty years, as piecewise linear features; no weights.

    The gap is taken in whole seconds before anything is rounded. Where it is unknown (a history's first item, a
    timestamp of 0) one feature says so and the others are 0; a gap below 0 counts as 0.

    Args:
        knots: how many points of the scale.
        periodic: also give sine and cosine of the time of day and of the week.
    """

    before_knots_F: Tensor
    knots_a_unit: Tensor
    unknown_F: Tensor

    def __init__(self, knots: int = 16, periodic: bool = False) -> None:
        super().__init__()
        self.knots, self.periodic = knots, periodic
        self.features = knots + 1 + (4 if periodic else 0)
        # the last feature is for what is unknown: no gap comes near its knot
        knots_F = torch.tensor([*range(knots), -2], dtype=torch.float32)
        self.register_buffer("before_knots_F", -knots_F, persistent=False)
        self.register_buffer("knots_a_unit", torch.tensor((knots - 1) / math.log1p(_LONGEST)), persistent=False)
        self.register_buffer("unknown_F", torch.eye(knots + 1)[-1], persistent=False)

    def forward(self, timestamps_BL: Tensor, carry: Carry | None = None) -> Tensor:
        """``(B, L)`` seconds to ``(B, L, F)``."""
        before_BL = self._before(timestamps_BL, carry)
        known_BL1 = torch.logical_and(before_BL, timestamps_BL).unsqueeze(-1)
        seconds_BL = (timestamps_BL - before_BL).clamp_(min=0, max=_LONGEST).to(self.unknown_F.dtype)
        log_BL1 = torch.log1p(seconds_BL).unsqueeze(-1)
        bumps_BLF = torch.relu(1 - torch.addcmul(self.before_knots_F, log_BL1, self.knots_a_unit).abs())
        features_BLF = torch.where(known_BL1, bumps_BLF, self.unknown_F)
        if not self.periodic:
            return features_BLF
        return torch.cat([features_BLF, _periodic(timestamps_BL, self.unknown_F.dtype)], dim=-1)

    def _before(self, timestamps_BL: Tensor, carry: Carry | None) -> Tensor:
        """The timestamp before each."""
        if carry is None:
            return F.pad(timestamps_BL[:, :-1], (1, 0))
        last_B = carry.take("last", (), timestamps_BL)
        if carry.click:
            carry.give("last", timestamps_BL[:, 0].clone())  # not the caller's own
            return last_B.unsqueeze(1)
        carry.give("last", _latest(timestamps_BL, carry.lengths_B, last_B))
        return torch.cat([last_B.unsqueeze(1), timestamps_BL[:, :-1]], dim=1)


def _latest(timestamps_BL: Tensor, lengths_B: Tensor, last_B: Tensor) -> Tensor:
    """The timestamp of each history's last event so far."""
    end_B1 = (lengths_B - 1).clamp(min=0).unsqueeze(1)
    return torch.where(lengths_B > 0, timestamps_BL.gather(1, end_B1).squeeze(1), last_B)


def _periodic(timestamps_BL: Tensor, dtype: torch.dtype) -> Tensor:
    """``(B, L, 4)``, zeros where the time is unknown."""
    phases = [timestamps_BL.remainder(period).to(dtype) * (2 * math.pi / period) for period in (DAY, WEEK)]
    waves = torch.stack([wave for phase in phases for wave in (phase.sin(), phase.cos())], dim=-1)
    return waves * (timestamps_BL != 0).unsqueeze(-1)
