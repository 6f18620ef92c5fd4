"""The recurrence that the SSD sum stands for, one position after another: the readable form, and serving's.

Shapes: B batch, L positions, H heads, P head dim, G groups (H a multiple of G), N state.
"""

from typing import Literal

import torch
from torch import Tensor

from model.ops.ssd.inputs import Inputs

Skip = Literal["scaled", "plain"]
_BLOCK = 128  # heads stepped at once


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
    *,
    in_place: bool = False,
) -> tuple[Tensor, Tensor]:
    """One position of the operator, for serving: ``(y_BHP, the next state)``; the arguments as of ``ssd``.

    The state is computed in float32 at least and stays so; y has the dtype of x. Without gradients, a block of
    histories is updated while its states are in the processor's caches: of many, each is read and written once,
    and with ``in_place`` where it stands, which spares memory's slowest work.
    """
    wide = torch.promote_types(x_BHP.dtype, torch.float32)
    dt_BH, A_H, D_H, state_BHNP = dt_BH.to(wide), A_H.to(wide), D_H.to(wide), state_BHNP.to(wide)
    if torch.is_grad_enabled() or torch.compiler.is_compiling():  # which makes blocks of its own
        read_BHP, state_BHNP = _step(x_BHP.to(wide), dt_BH, A_H, B_BGN, C_BGN, state_BHNP)
    else:
        read_BHP, state_BHNP = _step_in_blocks(x_BHP.to(wide), dt_BH, A_H, B_BGN, C_BGN, state_BHNP, in_place)
    skip_BH = D_H * dt_BH if skip == "scaled" else D_H
    return (read_BHP + skip_BH.unsqueeze(-1) * x_BHP).to(x_BHP.dtype), state_BHNP


def _step(
    x_BHP: Tensor, dt_BH: Tensor, A_H: Tensor, B_BGN: Tensor, C_BGN: Tensor, state_BHNP: Tensor
) -> tuple[Tensor, Tensor]:
    """``(what is read, the next state)``, without the skip."""
    B_BHN, C_BHN = _of_heads(B_BGN, x_BHP), _of_heads(C_BGN, x_BHP)
    write_BHNP = B_BHN.unsqueeze(-1) * (dt_BH.unsqueeze(-1) * x_BHP).unsqueeze(-2)
    state_BHNP = torch.exp(A_H * dt_BH)[..., None, None] * state_BHNP + write_BHNP
    return (C_BHN.unsqueeze(-1) * state_BHNP).sum(dim=-2), state_BHNP


def _step_in_blocks(
    x_BHP: Tensor, dt_BH: Tensor, A_H: Tensor, B_BGN: Tensor, C_BGN: Tensor, state_BHNP: Tensor, in_place: bool
) -> tuple[Tensor, Tensor]:
    """``_step``, some heads (K, of all histories) at once, into the state itself or a new one."""
    before_KNP, x_KP = state_BHNP.flatten(0, 1), x_BHP.flatten(0, 1)
    after_KNP = before_KNP if in_place else torch.empty_like(before_KNP)
    decay_K11 = torch.exp(A_H * dt_BH).flatten()[:, None, None]
    write_K1P = (dt_BH.flatten().unsqueeze(-1) * x_KP).unsqueeze(-2)
    B_KN1 = _of_heads(B_BGN, x_BHP).flatten(0, 1).unsqueeze(-1)
    C_K1N = _of_heads(C_BGN, x_BHP).flatten(0, 1).unsqueeze(-2)
    read_K1P = torch.empty_like(write_K1P)
    for start in range(0, len(x_KP), _BLOCK):
        some = slice(start, start + _BLOCK)
        after = torch.mul(before_KNP[some], decay_K11[some], out=after_KNP[some])
        after.addcmul_(B_KN1[some], write_K1P[some])
        torch.bmm(C_K1N[some], after, out=read_K1P[some])
    return read_K1P.view_as(x_BHP), after_KNP.view_as(state_BHNP)


def _of_heads(of_BGN: Tensor, x_BHP: Tensor) -> Tensor:
    """``(B, H, N)`` in the dtype of x: each head has its group's."""
    many, of_BGN = x_BHP.shape[1] // of_BGN.shape[1], of_BGN.to(x_BHP.dtype)
    return of_BGN if many == 1 else of_BGN.repeat_interleave(many, dim=1)
