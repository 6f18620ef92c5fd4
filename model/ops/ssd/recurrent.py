"""The recurrence that the SSD sum stands for, one position after another: the readable form, and serving's.

Shapes: B batch, L positions, H heads, P head dim, G groups (H a multiple of G), N state.
"""

from typing import Literal

import torch
from torch import Tensor

from model.ops.ssd.inputs import Inputs

Skip = Literal["scaled", "plain"]
_BLOCK = 16  # histories stepped at once


def recurrent(given: Inputs, with_state: bool) -> tuple[Tensor, Tensor | None]:
    """``(y_BLHP, final_BHNP)``: ``S_l = exp(A·dt_l)·S_{l-1} + dt_l·B_l⊗x_l``, ``y_l = C_l·S_l + skip_l·x_l``."""
    batch, length, heads, width = given.x_BLHP.shape
    state_BHNP = given.initial_BHNP
    if state_BHNP is None:
        state_BHNP = given.dt_BLH.new_zeros(batch, heads, given.B_BLGN.shape[-1], width)
    steps = []
    for at in range(length):
        if given.starts_BL is not None:
            state_BHNP = state_BHNP * ~given.starts_BL[:, at, None, None, None]
        x_BHP = given.x_BLHP[:, at].to(state_BHNP.dtype)
        read_BHP, state_BHNP = _step(
            x_BHP, given.dt_BLH[:, at], given.A_H, given.B_BLGN[:, at], given.C_BLGN[:, at], state_BHNP
        )
        steps.append(read_BHP + given.skip_BLH[:, at].unsqueeze(-1) * x_BHP)
    return torch.stack(steps, dim=1).to(given.x_BLHP.dtype), state_BHNP if with_state else None


def ssd_step(
    x_BHP: Tensor,
    dt_BH: Tensor,
    A_H: Tensor,
    B_BGN: Tensor,
    C_BGN: Tensor,
    D_H: Tensor,
    state_BHNP: Tensor,
    skip: Skip = "scaled",
) -> tuple[Tensor, Tensor]:
    """One position of the operator, for serving: ``(y_BHP, the next state)``; the arguments as of ``ssd``.

    The state is computed in float32 at least and stays so; y has the dtype of x. Without gradients, a block of
    histories is updated while its states are in the processor's caches: of many, each is read and written once.
    """
    wide = torch.promote_types(x_BHP.dtype, torch.float32)
    dt_BH, A_H, D_H = dt_BH.to(wide), A_H.to(wide), D_H.to(wide)
    step = _step if torch.is_grad_enabled() else _step_in_blocks
    read_BHP, state_BHNP = step(x_BHP.to(wide), dt_BH, A_H, B_BGN, C_BGN, state_BHNP.to(wide))
    skip_BH = D_H * dt_BH if skip == "scaled" else D_H
    return (read_BHP + skip_BH.unsqueeze(-1) * x_BHP).to(x_BHP.dtype), state_BHNP


def _step(
    x_BHP: Tensor, dt_BH: Tensor, A_H: Tensor, B_BGN: Tensor, C_BGN: Tensor, state_BHNP: Tensor
) -> tuple[Tensor, Tensor]:
    """``(what is read, the next state)``, without the skip."""
    heads_per_group = x_BHP.shape[1] // B_BGN.shape[1]
    B_BHN = B_BGN.to(x_BHP.dtype).repeat_interleave(heads_per_group, dim=1)
    C_BHN = C_BGN.to(x_BHP.dtype).repeat_interleave(heads_per_group, dim=1)
    write_BHNP = B_BHN.unsqueeze(-1) * (dt_BH.unsqueeze(-1) * x_BHP).unsqueeze(-2)
    state_BHNP = torch.exp(A_H * dt_BH)[..., None, None] * state_BHNP + write_BHNP
    return (C_BHN.unsqueeze(-1) * state_BHNP).sum(dim=-2), state_BHNP


def _step_in_blocks(
    x_BHP: Tensor, dt_BH: Tensor, A_H: Tensor, B_BGN: Tensor, C_BGN: Tensor, state_BHNP: Tensor
) -> tuple[Tensor, Tensor]:
    """``_step``, some histories at once, in place where it may be."""
    heads_per_group = x_BHP.shape[1] // B_BGN.shape[1]
    B_BHN1 = B_BGN.to(x_BHP.dtype).repeat_interleave(heads_per_group, dim=1).unsqueeze(-1)
    C_BH1N = C_BGN.to(x_BHP.dtype).repeat_interleave(heads_per_group, dim=1).unsqueeze(-2)
    decay_BH11 = torch.exp(A_H * dt_BH)[..., None, None]
    write_BH1P = (dt_BH.unsqueeze(-1) * x_BHP).unsqueeze(-2)
    after_BHNP, read_BH1P = torch.empty_like(state_BHNP), torch.empty_like(write_BH1P)
    for start in range(0, len(x_BHP), _BLOCK):
        rows = slice(start, start + _BLOCK)
        after = torch.mul(state_BHNP[rows], decay_BH11[rows], out=after_BHNP[rows])
        after.addcmul_(B_BHN1[rows], write_BH1P[rows])
        torch.matmul(C_BH1N[rows], after, out=read_BH1P[rows])
    return read_BH1P.squeeze(-2), after_BHNP
