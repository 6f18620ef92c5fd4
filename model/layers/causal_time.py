"""The time path of a layer of the causal form (MODELS §2): nothing in it looks ahead, nothing in it knows a length.

Shapes: B batch, L positions, T channels of the time signal, H heads, R = 2B rows of both streams.
``tau_BLT`` is the signal, ``s_BLT`` what it becomes on its way to dt.
"""

import torch
from torch import Tensor, nn

from model.layers.conv import CausalConv
from model.layers.dropout import Dropout
from model.layers.long_filter import DualChannelLongFilter
from model.ops.pairs import unpair
from model.state import Carry


class TimeShift(nn.Module):
    """``s = W₂·SiLU(conv_K(W₁·dropout(τ)))``: a small causal network over the signal's channels.

    Args:
        width: T.
        kernel: K.
        dropout: on its input.
    """

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.widen = nn.Linear(width, 4 * width)
        self.conv = CausalConv(4 * width, kernel)
        self.narrow = nn.Linear(4 * width, width)
        self.dropout = Dropout(dropout)

    def forward(self, tau_BLT: Tensor, carry: Carry | None = None) -> Tensor:
        """``tau_BLT`` to ``s_BLT``."""
        s_BLT: Tensor = self.narrow(self.conv(self.widen(self.dropout(tau_BLT)), carry=carry))
        return s_BLT


class CausalTime(nn.Module):
    """Shift and residual shared by both streams, the filter that fuses them, the Cross-SSD's shift.

    Args:
        width: T.
        heads: H of the SSD blocks.
        kernel: K of the convolutions.
        oscillations: of each channel's filter; 0 leaves the filter out: the signals are only added.
        dropout: share of entries dropped.
        eps: of the norm.
    """

    def __init__(self, width: int, heads: int, kernel: int, oscillations: int, dropout: float, eps: float) -> None:
        super().__init__()
        self.shift = TimeShift(width, kernel, dropout)
        self.to_heads = nn.Linear(width, heads, bias=False)
        self.gate = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps)
        self.filter = DualChannelLongFilter(width, oscillations) if oscillations else None
        self.cross_shift = TimeShift(width, kernel, dropout)
        self.cross_to_heads = nn.Linear(width, heads, bias=False)

    def forward(self, tau_RLT: Tensor, carry: Carry | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Signals of both streams to their shifts ``(R, L, H)``, Cross-SSD's ``(B, L, H)``, and the next signals."""
        s_RLT = self.shift(tau_RLT, carry and carry.of("streams", rows=2))
        tau_RLT = self._pass_on(tau_RLT, s_RLT)
        if self.filter is None:
            fused_BLT = torch.add(*unpair(tau_RLT))
        else:
            fused_BLT = self.filter(tau_RLT, carry and carry.of("filter"))
        s_BLT = self.cross_shift(fused_BLT, carry and carry.of("cross"))
        return self.to_heads(s_RLT), self.cross_to_heads(s_BLT), tau_RLT

    def _pass_on(self, tau_BLT: Tensor, s_BLT: Tensor) -> Tensor:
        """``LayerNorm(g⊙τ + (1-g)⊙s)``, ``g = sigmoid(w·τ)``."""
        g = torch.sigmoid(self.gate(tau_BLT))
        out: Tensor = self.norm(torch.lerp(s_BLT, tau_BLT, g))
        return out
