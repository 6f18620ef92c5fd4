"""Matrix products head by head, on the inputs as they lie in memory.

``(B, L, H, P)`` is no batch of matrices over ``(B, H)``, but each head of it is one over ``B``: read in place,
it spares a transposed copy of every input, which on a CPU costs as much as the product of short windows.

Shapes: H heads, B batch, and the sides of a product.
"""

from collections.abc import Iterable

import torch
from torch import Tensor


def products(lefts: Iterable[Tensor], rights: Iterable[Tensor]) -> Tensor:
    """``(H, B, M, O)``: the H products of ``(B, M, K)`` with ``(B, K, O)``. Not followed by autograd."""
    pairs = list(zip(lefts, rights, strict=True))
    left, right = pairs[0]
    out = left.new_empty(len(pairs), len(left), left.shape[1], right.shape[2])
    for into, (left, right) in zip(out, pairs, strict=True):
        torch.bmm(left, right, out=into)
    return out


def turned(matrices: Iterable[Tensor]) -> list[Tensor]:
    """Each with its last two sides swapped."""
    return [matrix.mT for matrix in matrices]


def heads_last(tensor_HBLX: Tensor) -> Tensor:
    """``(H, B, L, X)`` to ``(B, L, H, X)``, a view."""
    return tensor_HBLX.permute(1, 2, 0, 3)
