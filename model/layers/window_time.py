"""The time signal of the window form (MODELS §1.2, §1.3): one row a head over a window of fixed length.

Shapes: B batch, H heads, L window, R = 2B rows of both streams. ``tau_BHL`` is the signal, ``s_BHL`` its scaled form.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.conv import CausalConv
from model.layers.dropout import Dropout
from model.layers.fourier import DualChannelFilter
from model.ops.pairs import unpair


class GapSignal(nn.Module):
    """Timestamps to ``tau``: ``LayerNorm_L(dropout(Δ))``, repeated over heads.

    As published: gaps between zero-padded timestamps, in seconds.
    """

    def __init__(self, window: int, heads: int, dropout: float, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(window, eps)
        self.dropout = Dropout(dropout)

    def forward(self, timestamps_BL: Tensor) -> Tensor:
        """``(B, L)`` integer seconds to ``tau_BHL``; the difference is taken before rounding to float32."""
        gaps_BL = F.pad(timestamps_BL.diff(dim=1), (1, 0)).float()
        tau_BL: Tensor = self.norm(self.dropout(gaps_BL))
        return tau_BL.unsqueeze(1).expand(-1, self.heads, -1)


class TimeScale(nn.Module):
    """``s = τ ⊙ tanhshrink(W₂·SiLU(W₁·dropout(τ)))``, then twice a causal convolution with SiLU."""

    def __init__(self, window: int, heads: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Linear(window, window)
        self.second = nn.Linear(window, window)
        self.convs = nn.ModuleList([CausalConv(heads, kernel), CausalConv(heads, kernel)])
        self.dropout = Dropout(dropout)

    def forward(self, tau_BHL: Tensor) -> Tensor:
        """``tau_BHL`` to ``s_BHL``."""
        scale = self.second(F.silu(self.first(self.dropout(tau_BHL))))
        s_BLH = (tau_BHL * F.tanhshrink(scale)).transpose(1, 2)
        for conv in self.convs:
            s_BLH = conv(s_BLH)
        return s_BLH.transpose(1, 2)


class TimeResidual(nn.Module):
    """What is passed on: ``τ' = LayerNorm_L(g⊙τ + (1-g)⊙s)``, ``g = sigmoid(w·dropout(τ))``.

    Args:
        window: L.
        per_position: a gate a position (``p2p_residual``) rather than one a head.
        dropout: on the gate's input.
        eps: of the norm.
    """

    def __init__(self, window: int, per_position: bool, dropout: float, eps: float) -> None:
        super().__init__()
        self.gate = nn.Linear(window, window if per_position else 1)
        self.norm = nn.LayerNorm(window, eps)
        self.dropout = Dropout(dropout)

    def forward(self, tau_BHL: Tensor, s_BHL: Tensor) -> Tensor:
        """``tau_BHL`` and ``s_BHL`` to the next layer's ``tau_BHL``."""
        g = torch.sigmoid(self.gate(self.dropout(tau_BHL)))
        out: Tensor = self.norm(g * tau_BHL + (1 - g) * s_BHL)
        return out


class WindowTime(nn.Module):
    """The time path of one layer: scale and residual shared by both streams, the filter, the Cross-SSD's scale."""

    def __init__(self, window: int, heads: int, kernel: int, per_position: bool, dropout: float, eps: float) -> None:
        super().__init__()
        self.scale = TimeScale(window, heads, kernel, dropout)
        self.residual = TimeResidual(window, per_position, dropout, eps)
        self.filter = DualChannelFilter(window)
        self.cross_scale = TimeScale(window, heads, kernel, dropout)

    def forward(self, tau_RHL: Tensor, carry: None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Signals of both streams to their scales ``(R, L, H)``, Cross-SSD's ``(B, L, H)``, and the next signals."""
        s_RHL = self.scale(tau_RHL)
        tau_RHL = self.residual(tau_RHL, s_RHL)
        s_BHL = self.cross_scale(self.filter(*unpair(tau_RHL)))
        return s_RHL.transpose(1, 2), s_BHL.transpose(1, 2), tau_RHL
