"""Useful multiply-adds of a piece of work: those of its matrix products."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

_PRODUCTS = {torch.ops.aten.mm, torch.ops.aten.addmm, torch.ops.aten.bmm, torch.ops.aten.baddbmm}


def matmul_gflop(work: Callable[[], object]) -> float:
    """``10⁹`` operations (a multiply-add is two) of the matrix products that the work runs, forward and backward.

    Convolutions are left out: the counter takes a depthwise one's backward for a dense one's. Elementwise work is
    none of it. Products that are done twice to save memory count twice.
    """
    with FlopCounterMode(display=False) as counter:
        work()
    counts: dict[Any, int] = counter.get_flop_counts()["Global"]
    return sum(count for operator, count in counts.items() if operator in _PRODUCTS) / 1e9
