"""A linear map taken apart by its outputs."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def split_linear(linear: nn.Linear, widths: Sequence[int]) -> list[Callable[[Tensor], Tensor]]:
    """Maps that give the parts, so wide, of the output of ``linear``; together they are the whole."""
    weights, biases = torch.split(linear.weight, list(widths)), torch.split(linear.bias, list(widths))
    return [partial(F.linear, weight=weight, bias=bias) for weight, bias in zip(weights, biases, strict=True)]
