"""Causal depthwise convolution: each channel sees itself now and a few steps back.

Shapes: B batch, L positions, C channels, K kernel width.
"""

import torch.nn.functional as F
from torch import Tensor


def causal_conv(x_BLC: Tensor, weight_CK: Tensor, bias_C: Tensor) -> Tensor:
    """``y_l = bias + Σ_k weight[:, k] ⊙ x_{l-K+1+k}``, zeros before the start.

    A sum of K shifted products: no transpose and no grouped convolution, which CPUs run slowly.
    """
    length, kernel = x_BLC.shape[1], weight_CK.shape[1]
    padded = F.pad(x_BLC, (0, 0, kernel - 1, 0))
    y_BLC = bias_C + padded[:, :length] * weight_CK[:, 0]
    for step in range(1, kernel):
        y_BLC = y_BLC + padded[:, step : step + length] * weight_CK[:, step]
    return y_BLC
