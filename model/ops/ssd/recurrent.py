"""The recurrence that the SSD sum stands for, one position after another: the readable form, and serving's.

Shapes: B batch, L positions, H heads, P head dim, G groups (H a multiple of G), N state.
"""

from typing import Literal

import torch
from torch import Tensor

from model.ops.cast import cast
from model.ops.ssd.inputs import Inputs

Skip = Literal["scaled", "plain"]
_BLOCK = 128  # heads stepped at once, of all histories


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
    x, dt, A, D, state = (cast(tensor, wide) for tensor in (x_BHP, dt_BH, A_H, D_H, state_BHNP))
    if torch.is_grad_enabled() or torch.compiler.is_compiling():  # which makes blocks of its own
        read_BHP, state = _step(x, dt, A, B_BGN, C_BGN, state)
    else:
        read_BHP, state = _step_in_blocks(x, dt, A, B_BGN, C_BGN, state, in_place)
    skip_BH = D * dt if skip == "scaled" else D
    return cast(torch.addcmul(read_BHP, skip_BH.unsqueeze(-1), x), x_BHP.dtype), state


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
    """``_step``, some histories at once, into the state itself or a new one."""
    after_BHNP = state_BHNP if in_place else torch.empty_like(state_BHNP)
    decay_BH11 = torch.exp(A_H * dt_BH)[..., None, None]
    write_BH1P = (dt_BH.unsqueeze(-1) * x_BHP).unsqueeze(-2)
    B_BHN1, C_BH1N = _of_heads(B_BGN, x_BHP).unsqueeze(-1), _of_heads(C_BGN, x_BHP).unsqueeze(-2)
    parts = (state_BHNP, decay_BH11, B_BHN1, write_BH1P, C_BH1N, after_BHNP)
    rows = max(1, _BLOCK // x_BHP.shape[1])
    if len(x_BHP) <= rows:  # cutting takes a click of one history longer than the work
        return _advance(*parts), after_BHNP
    blocks = zip(*(torch.split(part, rows) for part in parts), strict=True)
    return torch.cat([_advance(*block) for block in blocks]), after_BHNP


def _advance(
    before_BHNP: Tensor, decay_BH11: Tensor, B_BHN1: Tensor, write_BH1P: Tensor, C_BH1N: Tensor, after_BHNP: Tensor
) -> Tensor:
    """What is read, ``(B, H, P)``, of the state ``after``, which is written from the one before and may be it."""
    torch.mul(before_BHNP, decay_BH11, out=after_BHNP).addcmul_(B_BHN1, write_BH1P)
    return (C_BH1N @ after_BHNP).squeeze(-2)


def _of_heads(of_BGN: Tensor, x_BHP: Tensor) -> Tensor:
    """``(B, H, N)`` in the dtype of x: each head has its group's."""
    many, of_BGN = x_BHP.shape[1] // of_BGN.shape[1], cast(of_BGN, x_BHP.dtype)
    return of_BGN if many == 1 else of_BGN.repeat_interleave(many, dim=1)
