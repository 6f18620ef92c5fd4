"""Linear maps: one taken apart by its outputs, and one of many outputs."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def split_linear(linear: nn.Linear, widths: Sequence[int]) -> list[Callable[[Tensor], Tensor]]:
    """Maps that give the parts, so wide, of the output of ``linear``; together they are the whole."""
    weights, biases = torch.split(linear.weight, list(widths)), torch.split(linear.bias, list(widths))
    return [partial(F.linear, weight=weight, bias=bias) for weight, bias in zip(weights, biases, strict=True)]


class WideLinear(nn.Linear):
    """``nn.Linear`` to many outputs; its weight is the same, but lies in memory by its inputs.

    Of one user's click, a product takes as long as memory takes to give the weight, and of more outputs than inputs
    long runs come up to twice as fast.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.weight = nn.Parameter(self.weight.detach().T.contiguous().T)
