"""Mamba's convolution at several widths at once, and its block around it, without the gate (MODELS §4).

Shapes: B batch, L positions, d hidden, D = expand·d inner, C channels, K widest kernel, S scales.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.conv import convolve
from model.layers.mamba import Mamba
from model.state import Carry


class MultiScaleConv(nn.Module):
    """``SiLU(Σ_s a_s · causal depthwise conv_{K_s})`` with learned ``a``.

    A sum of convolutions is the convolution with the sum of their kernels, so that several cost what the widest does
    and keep its state.

    Args:
        channels: C.
        kernels: ``K_s``, how many positions each scale sees.
    """

    def __init__(self, channels: int, kernels: Sequence[int]) -> None:
        super().__init__()
        self.kernel = max(kernels)
        bounds = [1 / math.sqrt(kernel) for kernel in kernels]
        self.scales = nn.ParameterList(
            torch.empty(channels, 1, kernel).uniform_(-bound, bound)
            for kernel, bound in zip(kernels, bounds, strict=True)
        )
        self.mix = nn.Parameter(torch.full((len(kernels),), 1 / len(kernels)))
        self.bias = nn.Parameter(torch.empty(channels).uniform_(-min(bounds), min(bounds)))

    def forward(self, x_BLC: Tensor, carry: Carry | None = None) -> Tensor:
        """``(B, L, C)`` to the same, with ``carry`` as further positions."""
        return convolve(x_BLC, carry=carry, weight=self._weight(), bias=self.bias)

    def _weight(self) -> Tensor:
        """``(C, 1, K)``: kernels end at the present, the narrower ones padded on the side of the past."""
        padded = [F.pad(scale, (self.kernel - scale.shape[2], 0)) for scale in self.scales]
        summed: Tensor = torch.tensordot(self.mix, torch.stack(padded), dims=1)
        return summed


class MultiScaleMamba(Mamba):
    """``Linear → Σ convolutions → SiLU → selective scan → Linear``.

    Args:
        hidden: d.
        state: N.
        kernels: of the convolutions.
        expand: D over d.

    Raises:
        ValueError: a size below 1.
    """

    def __init__(self, hidden: int, state: int, kernels: Sequence[int], expand: int) -> None:
        super().__init__(hidden, state, min(kernels), expand)
        self.in_proj = nn.Linear(hidden, expand * hidden)
        self.conv = MultiScaleConv(expand * hidden, kernels)

    def forward(self, x_BLd: Tensor, carry: Carry | None = None) -> Tensor:
        """``(B, L, d)`` to the same, with ``carry`` as further positions."""
        out: Tensor = self.out_proj(self._scan(self.conv(self.in_proj(x_BLd), carry=carry), carry))
        return out
