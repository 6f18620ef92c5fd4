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
    A_H11, steps = given.A_H[:, None, None], []
    for at in range(length):
        if given.starts_BL is not None:
            state_BHNP = state_BHNP * ~given.starts_BL[:, at, None, None, None]
        x_BH1P = given.x_BLHP[:, at].unsqueeze(-2).to(state_BHNP.dtype)
        B_BGN1, C_BG1N = given.B_BLGN[:, at].unsqueeze(-1), given.C_BLGN[:, at].unsqueeze(-2)
        read_BH1P, state_BHNP = _step(x_BH1P, given.dt_BLH[:, at, :, None, None], A_H11, B_BGN1, C_BG1N, state_BHNP)
        steps.append((read_BH1P + given.skip_BLH[:, at, :, None, None] * x_BH1P).squeeze(-2))
    return torch.stack(steps, dim=1).to(given.x_BLHP.dtype), state_BHNP if with_state else None


def ssd_step(
    x_BH1P: Tensor,
    dt_BH11: Tensor,
    A_H11: Tensor,
    B_BGN1: Tensor,
    C_BG1N: Tensor,
    D_H11: Tensor,
    state_BHNP: Tensor,
    skip: Skip = "scaled",
    *,
    in_place: bool = False,
) -> tuple[Tensor, Tensor]:
    """One position of the operator, for serving: ``(y_BH1P, the next state)``.

    The arguments are those of ``ssd``, as they spread over the state: to shape them here would take one user's click
    longer than some of the work. The state is computed in float32 at least and stays so; y has the dtype of x. Without
    gradients, a block of histories is updated while its states are in the processor's caches: of many, each is read
    and written once, and with ``in_place`` where it stands, which spares memory's slowest work.
    """
    wide = torch.promote_types(x_BH1P.dtype, torch.float32)
    x, dt, A, D, state = (cast(tensor, wide) for tensor in (x_BH1P, dt_BH11, A_H11, D_H11, state_BHNP))
    if torch.is_grad_enabled() or torch.compiler.is_compiling():  # which makes blocks of its own
        read_BH1P, state = _step(x, dt, A, B_BGN1, C_BG1N, state)
    else:
        read_BH1P, state = _step_in_blocks(x, dt, A, B_BGN1, C_BG1N, state, in_place)
    return cast(torch.addcmul(read_BH1P, D * dt if skip == "scaled" else D, x), x_BH1P.dtype), state


def _step(
    x_BH1P: Tensor, dt_BH11: Tensor, A_H11: Tensor, B_BGN1: Tensor, C_BG1N: Tensor, state_BHNP: Tensor
) -> tuple[Tensor, Tensor]:
    """``(what is read, the next state)``, without the skip."""
    B_BHN1, C_BHN1 = _of_heads(B_BGN1, x_BH1P), _of_heads(C_BG1N, x_BH1P).mT
    state_BHNP = torch.exp(A_H11 * dt_BH11) * state_BHNP + B_BHN1 * (dt_BH11 * x_BH1P)
    return (C_BHN1 * state_BHNP).sum(dim=-2, keepdim=True), state_BHNP


def _step_in_blocks(
    x_BH1P: Tensor,
    dt_BH11: Tensor,
    A_H11: Tensor,
    B_BGN1: Tensor,
    C_BG1N: Tensor,
    state_BHNP: Tensor,
    in_place: bool,
) -> tuple[Tensor, Tensor]:
    """``_step``, some histories at once, into the state itself or a new one."""
    after_BHNP = state_BHNP if in_place else torch.empty_like(state_BHNP)
    B_BHN1, C_BH1N = _of_heads(B_BGN1, x_BH1P), _of_heads(C_BG1N, x_BH1P)
    parts = (state_BHNP, torch.exp(A_H11 * dt_BH11), B_BHN1, dt_BH11 * x_BH1P, C_BH1N, after_BHNP)
    rows = max(1, _BLOCK // x_BH1P.shape[1])
    if x_BH1P.shape[0] <= rows:  # cutting takes a click of one history longer than the work
        return _advance(*parts), after_BHNP
    blocks = zip(*(torch.split(part, rows) for part in parts), strict=True)
    return torch.cat([_advance(*block) for block in blocks]), after_BHNP


def _advance(
    before_BHNP: Tensor, decay_BH11: Tensor, B_BHN1: Tensor, write_BH1P: Tensor, C_BH1N: Tensor, after_BHNP: Tensor
) -> Tensor:
    """What is read, ``(B, H, 1, P)``, of the state ``after``, which is written from the one before and may be it."""
    torch.mul(before_BHNP, decay_BH11, out=after_BHNP).addcmul_(B_BHN1, write_BH1P)
    return C_BH1N @ after_BHNP


def _of_heads(of_BG: Tensor, x_BH1P: Tensor) -> Tensor:
    """``(B, H, …)`` in the dtype of x: each head has its group's."""
    many, of_BG = x_BH1P.shape[1] // of_BG.shape[1], cast(of_BG, x_BH1P.dtype)
    return of_BG if many == 1 else of_BG.repeat_interleave(many, dim=1)
