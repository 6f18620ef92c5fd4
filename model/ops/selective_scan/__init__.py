"""The selective scan of Mamba (Gu & Dao, arXiv 2312.00752, algorithm 2): one operator.

The forms, proven equal by ``tests/model/ops/test_selective_scan.py``: ``chunked`` (parallel, linear in L),
``recurrent`` (readable; one step of it is ``selective_scan_step``, for serving) and ``cuda`` (mamba_ssm on a GPU).

Shapes: B batch, L positions, D channels, N state.
"""

from typing import Literal

import torch
from torch import Tensor

from model.ops.segments import hold_after
from model.ops.selective_scan.chunked import chunked
from model.ops.selective_scan.cuda import cuda, obstacle
from model.ops.selective_scan.inputs import Inputs, Run
from model.ops.selective_scan.recurrent import recurrent, selective_scan_step

__all__ = ["Form", "selective_scan", "selective_scan_step", "selective_scan_with_state"]

Form = Literal["chunked", "recurrent", "cuda"]

_FORMS: dict[str, Run] = {"chunked": chunked, "recurrent": recurrent, "cuda": cuda}


def selective_scan(
    x_BLD: Tensor,
    dt_BLD: Tensor,
    A_DN: Tensor,
    B_BLN: Tensor,
    C_BLN: Tensor,
    D_D: Tensor,
    *,
    initial_BDN: Tensor | None = None,
    starts_BL: Tensor | None = None,
    lengths_B: Tensor | None = None,
    form: Form | None = None,
) -> Tensor:
    """``h_l = exp(dt_l A) ⊙ h_{l-1} + dt_l x_l B_l``, ``y_l = C_l·h_l + D x_l``, strictly causal.

    Computed in float32 at least, also under autocast.

    Args:
        x_BLD: the stream.
        dt_BLD: step sizes, 0 or more.
        A_DN: decay rates, negative.
        B_BLN: what each position writes to the state.
        C_BLN: what each position reads from it.
        D_D: weight of the skip.
        initial_BDN: the state before the first position; zeros where None. It does not reach beyond a start.
        starts_BL: bool, the state is forgotten before this position: several histories packed in one row.
        lengths_B: positions at or beyond a row's length leave the final state alone; y there has no meaning.
        form: forces a form; None chooses by device.

    Returns:
        ``y_BLD``, in the dtype of x.

    Raises:
        ValueError: the form is unknown, or cannot run on these tensors.
    """
    y_BLD, _ = _run(x_BLD, dt_BLD, A_DN, B_BLN, C_BLN, D_D, initial_BDN, starts_BL, lengths_B, form, False)
    return y_BLD


def selective_scan_with_state(
    x_BLD: Tensor,
    dt_BLD: Tensor,
    A_DN: Tensor,
    B_BLN: Tensor,
    C_BLN: Tensor,
    D_D: Tensor,
    *,
    initial_BDN: Tensor | None = None,
    starts_BL: Tensor | None = None,
    lengths_B: Tensor | None = None,
    form: Form | None = None,
) -> tuple[Tensor, Tensor]:
    """``(y_BLD, final_BDN)``: ``selective_scan`` (see there) and the state after each row's last position.

    The final state is in float32 at least, and is what the next window takes as its initial one.
    """
    return _run(x_BLD, dt_BLD, A_DN, B_BLN, C_BLN, D_D, initial_BDN, starts_BL, lengths_B, form, True)


def _run(
    x_BLD: Tensor,
    dt_BLD: Tensor,
    A_DN: Tensor,
    B_BLN: Tensor,
    C_BLN: Tensor,
    D_D: Tensor,
    initial_BDN: Tensor | None,
    starts_BL: Tensor | None,
    lengths_B: Tensor | None,
    form: Form | None,
    with_state: bool,
) -> tuple[Tensor, Tensor]:
    wide = torch.promote_types(x_BLD.dtype, torch.float32)
    with torch.autocast(x_BLD.device.type, enabled=False):
        dt_BLD, starts_BL = hold_after(dt_BLD.to(wide), starts_BL, lengths_B)
        A_DN, B_BLN, C_BLN, D_D = (tensor.to(wide) for tensor in (A_DN, B_BLN, C_BLN, D_D))
        initial_BDN = None if initial_BDN is None else initial_BDN.to(wide)
        given = Inputs(x_BLD.to(wide), dt_BLD, A_DN, B_BLN, C_BLN, initial_BDN, starts_BL)
        run = _choose(form, given, with_state)
        read_BLD, final_BDN = run(given) if x_BLD.shape[1] else _nothing(given)
        return (read_BLD + D_D * given.x_BLD).to(x_BLD.dtype), final_BDN


def _nothing(given: Inputs) -> tuple[Tensor, Tensor]:
    """No position: y is as empty as x, and the state stays what it was."""
    zeros_BDN = given.x_BLD.new_zeros(len(given.x_BLD), *given.A_DN.shape)
    return given.x_BLD, zeros_BDN if given.initial_BDN is None else given.initial_BDN


def _choose(form: Form | None, given: Inputs, with_state: bool) -> Run:
    if form is None:
        return cuda if obstacle(given, with_state) is None else chunked
    if form not in _FORMS:
        raise ValueError(f"selective_scan has no form {form!r}: one of {', '.join(_FORMS)}, or None to have it chosen")
    if form == "cuda" and (reason := obstacle(given, with_state)) is not None:
        raise ValueError(f"selective_scan cannot run as form 'cuda', {reason}")
    return _FORMS[form]
