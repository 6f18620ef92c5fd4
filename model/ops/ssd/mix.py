"""What each position reads: its own window through a kernel of decays, and the state from before it.

Shapes: B batch, L positions, H heads, P head dim, G groups (H a multiple of G), N state.
"""

from typing import Any

import torch
from torch import Tensor, unflatten
from torch.autograd.function import once_differentiable

from model.ops.ssd.heads import heads_last, products, turned


def mix(
    x_BLHP: Tensor,
    B_BLGN: Tensor,
    C_BLGN: Tensor,
    kernel_HBLL: Tensor,
    skip_HBL: Tensor,
    reach_HBL: Tensor | None = None,
    initial_BHNP: Tensor | None = None,
) -> Tensor:
    """``y_l = Σ_j kernel_{lj} (C_l·B_j) x_j + skip_l x_l + reach_l C_l·initial``, ``(B, L, H, P)``.

    The skip is a diagonal of the same weights, so that x is read once. Of the squares, the kernel and the
    matches ``C_l·B_j`` are kept for the gradient; the weights are multiplied again.
    """
    y: Tensor = _Mix.apply(  # type: ignore[no-untyped-call]
        x_BLHP, B_BLGN, C_BLGN, kernel_HBLL, skip_HBL, reach_HBL, initial_BHNP
    )
    return y


class _Mix(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x_BLHP: Tensor,
        B_BLGN: Tensor,
        C_BLGN: Tensor,
        kernel_HBLL: Tensor,
        skip_HBL: Tensor,
        reach_HBL: Tensor | None,
        initial_BHNP: Tensor | None,
    ) -> Tensor:
        match_GBLL = products(C_BLGN.unbind(2), turned(B_BLGN.unbind(2)))
        y_HBLP = products(_weights(match_GBLL, kernel_HBLL, skip_HBL), x_BLHP.unbind(2))
        if reach_HBL is not None and initial_BHNP is not None:
            states = initial_BHNP.to(C_BLGN.dtype).unbind(1)
            for y, C, reach, state in zip(y_HBLP, _per_head(C_BLGN, len(y_HBLP)), reach_HBL, states, strict=True):
                y.baddbmm_(_scaled(C, reach), state)
        ctx.save_for_backward(x_BLHP, B_BLGN, C_BLGN, kernel_HBLL, skip_HBL, reach_HBL, initial_BHNP, match_GBLL)
        return heads_last(y_HBLP)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_BLHP: Tensor) -> tuple[Tensor | None, ...]:
        x_BLHP, B_BLGN, C_BLGN, kernel_HBLL, skip_HBL, reach_HBL, initial_BHNP, match_GBLL = ctx.saved_tensors
        dys = dy_BLHP.unbind(2)
        dx_HBLP = products(turned(_weights(match_GBLL, kernel_HBLL, skip_HBL)), dys)
        dweights_HBLL = products(dys, turned(x_BLHP.unbind(2)))
        dskip_HBL = dweights_HBLL.diagonal(dim1=-2, dim2=-1).to(skip_HBL.dtype, copy=True)
        dweights_GRBLL = unflatten(dweights_HBLL, 0, (len(match_GBLL), -1))
        dkernel_HBLL = torch.mul(dweights_GRBLL, match_GBLL.unsqueeze(1)).flatten(0, 1).to(kernel_HBLL.dtype)
        dmatch_GBLL = _sum_heads(dweights_HBLL.mul_(kernel_HBLL), len(match_GBLL))
        dC_GBLN = products(dmatch_GBLL, B_BLGN.unbind(2))
        dB_GBLN = products(turned(dmatch_GBLL), C_BLGN.unbind(2))
        dreach_HBL = dinitial_BHNP = None
        if reach_HBL is not None:
            dreach_HBL, dinitial_BHNP = _read_backward(dys, C_BLGN, reach_HBL, initial_BHNP, dC_GBLN)
        dx, dB, dC = heads_last(dx_HBLP), heads_last(dB_GBLN), heads_last(dC_GBLN)
        return dx, dB, dC, dkernel_HBLL, dskip_HBL, dreach_HBL, dinitial_BHNP


def _weights(match_GBLL: Tensor, kernel_HBLL: Tensor, skip_HBL: Tensor) -> Tensor:
    """``(H, B, L, L)``: what each position takes of each x."""
    kernel_GRBLL = unflatten(kernel_HBLL, 0, (len(match_GBLL), -1))
    weights_HBLL = torch.mul(kernel_GRBLL, match_GBLL.unsqueeze(1)).flatten(0, 1)
    weights_HBLL.diagonal(dim1=-2, dim2=-1).add_(skip_HBL)
    return weights_HBLL.to(match_GBLL.dtype)


def _read_backward(
    dys: tuple[Tensor, ...], C_BLGN: Tensor, reach_HBL: Tensor, initial_BHNP: Tensor, dC_GBLN: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of ``reach`` and ``initial``; that of C is added to ``dC_GBLN``."""
    dreach_HBL = torch.empty_like(reach_HBL)
    dinitial_BHNP = torch.empty_like(initial_BHNP)
    heads_per_group = len(reach_HBL) // len(dC_GBLN)
    for head, (dy, reach, initial) in enumerate(zip(dys, reach_HBL, initial_BHNP.unbind(1), strict=True)):
        group = head // heads_per_group
        C = C_BLGN[:, :, group]
        dread_BLN = torch.bmm(dy, initial.mT.to(dy.dtype))
        dreach_HBL[head] = (dread_BLN * C).sum(dim=-1)
        dC_GBLN[group] += _scaled(dread_BLN, reach)
        dinitial_BHNP[:, head] = torch.bmm(_scaled(C, reach).mT, dy)
    return dreach_HBL, dinitial_BHNP


def _per_head(tensor_BLGN: Tensor, heads: int) -> list[Tensor]:
    """H views ``(B, L, N)``, each group's repeated for its heads."""
    heads_per_group = heads // tensor_BLGN.shape[2]
    return [group for group in tensor_BLGN.unbind(2) for _ in range(heads_per_group)]


def _scaled(tensor_BLN: Tensor, scale_BL: Tensor) -> Tensor:
    return tensor_BLN * scale_BL.to(tensor_BLN.dtype).unsqueeze(-1)


def _sum_heads(tensor_HBLL: Tensor, groups: int) -> Tensor:
    """``(G, B, L, L)``: the heads of each group summed."""
    return tensor_HBLL if len(tensor_HBLL) == groups else unflatten(tensor_HBLL, 0, (groups, -1)).sum(dim=1)
