"""Causal depthwise convolution with SiLU, as a module."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.ops.causal_conv import causal_conv


class CausalConv(nn.Module):
    """``SiLU(causal depthwise conv_K)`` over ``x_BLC``; parameters shaped as ``nn.Conv1d``'s.

    Args:
        channels: C.
        kernel: K, how many positions each output sees.
    """

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(kernel)
        self.weight = nn.Parameter(torch.empty(channels, 1, kernel).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(channels).uniform_(-bound, bound))

    def forward(self, x_BLC: Tensor) -> Tensor:
        """``(B, L, C)`` to the same."""
        return F.silu(causal_conv(x_BLC, self.weight.squeeze(1), self.bias))
