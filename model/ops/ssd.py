"""State space duality (Dao & Gu, arXiv 2405.21060), the scan that every stream runs through.

Shapes: B batch, L positions, H heads, P head dim, G groups (H a multiple of G), N state.
"""

from typing import Literal

import torch
from torch import Tensor

Skip = Literal["scaled", "plain"]


def ssd(
    x_BLHP: Tensor,
    dt_BLH: Tensor,
    A_H: Tensor,
    B_BLGN: Tensor,
    C_BLGN: Tensor,
    D_H: Tensor,
    skip: Skip = "scaled",
) -> Tensor:
    """The SSD sum in its quadratic form, all positions at once; for windows of up to a few hundred.

    ``y_l = Σ_{j≤l} exp(Σ_{i=j+1..l} A·dt_i) · (C_l·B_j) · dt_j·x_j + skip``, strictly causal.

    Args:
        x_BLHP: the stream, in heads.
        dt_BLH: step sizes, positive.
        A_H: decay rate of each head, negative.
        B_BLGN: what each position writes to the state.
        C_BLGN: what each position reads from it.
        D_H: weight of the skip.
        skip: ``scaled`` adds ``D·dt_l·x_l`` (published MMM4Rec), ``plain`` adds ``D·x_l`` (Mamba-2).

    Returns:
        ``y_BLHP``.
    """
    groups = B_BLGN.shape[2]
    scaled_BLHP = x_BLHP * dt_BLH.unsqueeze(-1)
    decay_BHL = (dt_BLH * A_H).cumsum(dim=1).transpose(1, 2)
    gap_BHLL = decay_BHL.unsqueeze(-1) - decay_BHL.unsqueeze(-2)
    future_LL = torch.ones(gap_BHLL.shape[-2:], dtype=torch.bool, device=x_BLHP.device).triu(1)
    kernel_BHLL = gap_BHLL.masked_fill(future_LL, -torch.inf).exp()
    match_BGLL = C_BLGN.transpose(1, 2) @ B_BLGN.permute(0, 2, 3, 1)
    kernel_BGRLL = kernel_BHLL.reshape(len(x_BLHP), groups, -1, *kernel_BHLL.shape[-2:])
    weights_BHLL = (kernel_BGRLL * match_BGLL.unsqueeze(2)).flatten(1, 2)
    y_BLHP: Tensor = (weights_BHLL @ scaled_BLHP.transpose(1, 2)).transpose(1, 2)
    return y_BLHP + D_H.unsqueeze(-1) * (scaled_BLHP if skip == "scaled" else x_BLHP)


def ssd_recurrent(
    x_BLHP: Tensor,
    dt_BLH: Tensor,
    A_H: Tensor,
    B_BLGN: Tensor,
    C_BLGN: Tensor,
    D_H: Tensor,
    skip: Skip = "scaled",
) -> Tensor:
    """The same operator as the recurrence it stands for, one position after another: the readable form.

    ``S_l = exp(A·dt_l)·S_{l-1} + dt_l·B_l⊗x_l``, ``y_l = C_l·S_l + skip``.
    """
    batch, length, heads, width = x_BLHP.shape
    heads_per_group = heads // B_BLGN.shape[2]
    B_BLHN = B_BLGN.repeat_interleave(heads_per_group, dim=2)
    C_BLHN = C_BLGN.repeat_interleave(heads_per_group, dim=2)
    state_BHNP = x_BLHP.new_zeros(batch, heads, B_BLGN.shape[3], width)
    steps = []
    for position in range(length):
        dt_BH, x_BHP = dt_BLH[:, position], x_BLHP[:, position]
        scaled_BHP = dt_BH.unsqueeze(-1) * x_BHP
        write_BHNP = B_BLHN[:, position].unsqueeze(-1) * scaled_BHP.unsqueeze(-2)
        state_BHNP = torch.exp(A_H * dt_BH)[..., None, None] * state_BHNP + write_BHNP
        read_BHP = (C_BLHN[:, position].unsqueeze(-1) * state_BHNP).sum(dim=-2)
        steps.append(read_BHP + D_H.unsqueeze(-1) * (scaled_BHP if skip == "scaled" else x_BHP))
    return torch.stack(steps, dim=1)
