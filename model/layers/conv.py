"""Causal depthwise convolution with SiLU, as a module."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.ops.causal_conv import causal_conv
from model.ops.last import take
from model.state import Carry


class CausalConv(nn.Module):
    """``SiLU(causal depthwise conv_K)`` over ``x_BLC``; parameters shaped as ``nn.Conv1d``'s.

    Args:
        channels: C.
        kernel: K, how many positions each output sees.
    """

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        bound = 1 / math.sqrt(kernel)
        self.weight = nn.Parameter(torch.empty(channels, 1, kernel).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(channels).uniform_(-bound, bound))

    def forward(self, x_BLC: Tensor, at_BL: Tensor | None = None, carry: Carry | None = None) -> Tensor:
        """``(B, L, C)`` to the same, with ``carry`` as further positions.

        With ``at``, the consecutive positions that x holds of longer rows, to ``(B, L-K+1, C)``: the first K - 1
        only lead in, and what stands before position 0 counts as zero.
        """
        return convolve(x_BLC, at_BL, carry, weight=self.weight, bias=self.bias)

    def split(self, widths: Sequence[int]) -> list[Callable[..., Tensor]]:
        """The same convolution of parts of the channels, so wide."""
        weights, biases = torch.split(self.weight, list(widths)), torch.split(self.bias, list(widths))
        return [partial(convolve, weight=weight, bias=bias) for weight, bias in zip(weights, biases, strict=True)]


def convolve(
    x_BLC: Tensor, at_BL: Tensor | None = None, carry: Carry | None = None, *, weight: Tensor, bias: Tensor
) -> Tensor:
    """``SiLU`` of the convolution with ``weight`` ``(C, 1, K)`` and ``bias`` ``(C,)``; see ``CausalConv``."""
    if carry is not None and carry.click:
        return F.silu(_clicked(x_BLC, weight, bias, carry), inplace=True)
    weight_CK = weight.squeeze(1)
    past = weight_CK.shape[1] - 1
    if carry is not None:
        return F.silu(_carried(x_BLC, weight_CK, bias, carry))
    if at_BL is None:
        return F.silu(causal_conv(x_BLC, weight_CK, bias))
    inside = x_BLC * (at_BL >= 0).unsqueeze(-1)
    return F.silu(causal_conv(inside, weight_CK, bias)[:, past:])


def _carried(x_BLC: Tensor, weight_CK: Tensor, bias_C: Tensor, carry: Carry) -> Tensor:
    past = weight_CK.shape[1] - 1
    led_in = torch.cat([carry.take("past", (past, x_BLC.shape[2]), x_BLC), x_BLC], dim=1)
    carry.give("past", take(led_in, carry.lengths_B.unsqueeze(1) + torch.arange(past, device=x_BLC.device)))
    return causal_conv(led_in, weight_CK, bias_C)[:, past:]


def _clicked(x_B1C: Tensor, weight: Tensor, bias_C: Tensor, carry: Carry) -> Tensor:
    past = weight.shape[2] - 1
    past_BTC = carry.take("past", (past, x_B1C.shape[2]), x_B1C)
    carry.give("past", torch.cat([past_BTC.narrow(1, 1, past - 1), x_B1C], dim=1) if past else past_BTC)
    before_TC, now_C = carry.constant("taps", lambda: _taps(weight))
    return torch.addcmul(bias_C, x_B1C, now_C).add_((past_BTC * before_TC).sum(dim=1, keepdim=True))


def _taps(weight: Tensor) -> tuple[Tensor, Tensor]:
    """The weights of the past positions ``(K - 1, C)`` and of the present one ``(C,)``."""
    weight_KC = weight.squeeze(1).T.contiguous()
    return weight_KC[:-1], weight_KC[-1]
