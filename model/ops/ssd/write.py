"""What a window leaves in the state: every position's outer product, decayed to the window's end.

Shapes: B batch, L positions, H heads, P head dim, G groups (H a multiple of G), N state.
"""

from typing import Any

import torch
from torch import Tensor, unflatten
from torch.autograd.function import once_differentiable

from model.ops.ssd.heads import heads_last, products, turned


def write(x_BLHP: Tensor, B_BLGN: Tensor, left_HBL: Tensor) -> Tensor:
    """``Σ_l left_l · B_l ⊗ x_l``, ``(H, B, N, P)`` in the dtype of x."""
    state: Tensor = _Write.apply(x_BLHP, B_BLGN, left_HBL)  # type: ignore[no-untyped-call]
    return state


class _Write(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BLHP: Tensor, B_BLGN: Tensor, left_HBL: Tensor) -> Tensor:
        ctx.save_for_backward(x_BLHP, B_BLGN, left_HBL)
        return products(turned(_faded(B_BLGN, left_HBL)), x_BLHP.unbind(2))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dstate_HBNP: Tensor) -> tuple[Tensor, ...]:
        x_BLHP, B_BLGN, left_HBL = ctx.saved_tensors
        dx_HBLP = products(_faded(B_BLGN, left_HBL), dstate_HBNP)
        dfaded_HBLN = products(x_BLHP.unbind(2), turned(dstate_HBNP))
        dfaded_GRBLN = unflatten(dfaded_HBLN, 0, (B_BLGN.shape[2], -1))
        B_GBLN = B_BLGN.permute(2, 0, 1, 3)
        dleft_GRBL: Tensor = (dfaded_GRBLN * B_GBLN.unsqueeze(1)).sum(dim=-1, dtype=left_HBL.dtype)
        dfaded_HBLN.mul_(left_HBL.unsqueeze(-1))
        dB_GBLN = dfaded_GRBLN.sum(dim=1)
        return heads_last(dx_HBLP), heads_last(dB_GBLN), dleft_GRBL.flatten(0, 1)


def _faded(B_BLGN: Tensor, left_HBL: Tensor) -> Tensor:
    """``(H, B, L, N)``: what each head writes, as much as is left of it at the end."""
    left_GRBL = unflatten(left_HBL.to(B_BLGN.dtype), 0, (B_BLGN.shape[2], -1))
    return (B_BLGN.permute(2, 0, 1, 3).unsqueeze(1) * left_GRBL.unsqueeze(-1)).flatten(0, 1)
