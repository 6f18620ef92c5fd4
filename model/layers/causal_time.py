"""The time path of a layer of the causal form (MODELS §2): nothing in it looks ahead, nothing in it knows a length.

Shapes: B batch, L positions, T channels of the time signal, H heads.
``tau_BLT`` is the signal, ``s_BLT`` what it becomes on its way to dt.
"""

import torch
from torch import Tensor, nn

from model.layers.conv import CausalConv
from model.layers.dropout import Dropout
from model.layers.long_filter import DualChannelLongFilter
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

    def forward(
        self, tau_text: Tensor, tau_image: Tensor, carry: Carry | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Signals ``(B, L, T)`` to shifts ``(B, L, H)`` for text, image, cross, and the next layer's signals."""
        s_text = self.shift(tau_text, carry and carry.of("text"))
        s_image = self.shift(tau_image, carry and carry.of("image"))
        next_text, next_image = self._pass_on(tau_text, s_text), self._pass_on(tau_image, s_image)
        fused = next_text + next_image
        if self.filter is not None:
            fused = self.filter(next_text, next_image, carry and carry.of("filter"))
        s_cross = self.cross_shift(fused, carry and carry.of("cross"))
        to = self.to_heads
        return to(s_text), to(s_image), self.cross_to_heads(s_cross), next_text, next_image

    def _pass_on(self, tau_BLT: Tensor, s_BLT: Tensor) -> Tensor:
        """``LayerNorm(g⊙τ + (1-g)⊙s)``, ``g = sigmoid(w·τ)``."""
        g = torch.sigmoid(self.gate(tau_BLT))
        out: Tensor = self.norm(g * tau_BLT + (1 - g) * s_BLT)
        return out
