"""State space duality (Dao & Gu, arXiv 2405.21060), the scan that every stream runs through: one operator.

The forms, proven equal by ``tests/model/ops/test_ssd.py``: ``quadratic`` (short windows), ``chunked`` (linear in L),
``recurrent`` (readable; one step of it is ``ssd_step``, for serving) and ``triton`` (mamba_ssm on a GPU).

Shapes: B batch, L positions, H heads, P head dim, G groups (H a multiple of G), N state.
"""

from typing import Literal

import torch
from torch import Tensor

from model.ops.kernels import obstacle
from model.ops.segments import hold_after
from model.ops.ssd.chunked import chunked
from model.ops.ssd.inputs import Inputs, Run
from model.ops.ssd.quadratic import quadratic
from model.ops.ssd.recurrent import Skip, recurrent, ssd_step
from model.ops.ssd.triton import triton

__all__ = ["Form", "Skip", "ssd", "ssd_step", "ssd_with_state"]

Form = Literal["quadratic", "chunked", "recurrent", "triton"]

SHORT = 64  # positions up to which every pair at once is the fastest
_FORMS: dict[str, Run] = {"quadratic": quadratic, "chunked": chunked, "recurrent": recurrent, "triton": triton}


def ssd(
    x_BLHP: Tensor,
    dt_BLH: Tensor,
    A_H: Tensor,
    B_BLGN: Tensor,
    C_BLGN: Tensor,
    D_H: Tensor,
    skip: Skip = "scaled",
    *,
    initial_BHNP: Tensor | None = None,
    starts_BL: Tensor | None = None,
    lengths_B: Tensor | None = None,
    form: Form | None = None,
) -> Tensor:
    """``y_l = Σ_{j≤l} exp(Σ_{i=j+1..l} A·dt_i) · (C_l·B_j) · dt_j·x_j + skip``, strictly causal.

    Decays and states are in float32 at least, also under autocast; products in the dtype of x, B and C
    (autocast's where it is on).

    Args:
        x_BLHP: the stream, in heads.
        dt_BLH: step sizes, 0 or more.
        A_H: decay rate of each head, negative.
        B_BLGN: what each position writes to the state.
        C_BLGN: what each position reads from it.
        D_H: weight of the skip.
        skip: ``scaled`` adds ``D·dt_l·x_l`` (published MMM4Rec), ``plain`` adds ``D·x_l`` (Mamba-2).
        initial_BHNP: the state before the first position; zeros where None. It does not reach beyond a start.
        starts_BL: bool, the state is forgotten before this position: several histories packed in one row.
        lengths_B: positions at or beyond a row's length leave the final state alone; y there has no meaning.
        form: forces a form; None chooses by length and device.

    Returns:
        ``y_BLHP``, in the dtype of the products.

    Raises:
        ValueError: the form is unknown, or cannot run on these tensors.
    """
    y_BLHP, _ = _run(x_BLHP, dt_BLH, A_H, B_BLGN, C_BLGN, D_H, skip, initial_BHNP, starts_BL, lengths_B, form, False)
    return y_BLHP


def ssd_with_state(
    x_BLHP: Tensor,
    dt_BLH: Tensor,
    A_H: Tensor,
    B_BLGN: Tensor,
    C_BLGN: Tensor,
    D_H: Tensor,
    skip: Skip = "scaled",
    *,
    initial_BHNP: Tensor | None = None,
    starts_BL: Tensor | None = None,
    lengths_B: Tensor | None = None,
    form: Form | None = None,
) -> tuple[Tensor, Tensor]:
    """``(y_BLHP, final_BHNP)``: ``ssd`` (see there) and the state after each row's last position.

    The final state is in float32 at least, and is what the next window takes as its initial one.
    """
    y_BLHP, final_BHNP = _run(
        x_BLHP, dt_BLH, A_H, B_BLGN, C_BLGN, D_H, skip, initial_BHNP, starts_BL, lengths_B, form, True
    )
    assert final_BHNP is not None, "asked for"
    return y_BLHP, final_BHNP


def _run(
    x_BLHP: Tensor,
    dt_BLH: Tensor,
    A_H: Tensor,
    B_BLGN: Tensor,
    C_BLGN: Tensor,
    D_H: Tensor,
    skip: Skip,
    initial_BHNP: Tensor | None,
    starts_BL: Tensor | None,
    lengths_B: Tensor | None,
    form: Form | None,
    with_state: bool,
) -> tuple[Tensor, Tensor | None]:
    narrow = _product_dtype(x_BLHP, B_BLGN, C_BLGN)
    wide = torch.promote_types(narrow, torch.float32)
    with torch.autocast(x_BLHP.device.type, enabled=False):
        dt_BLH, starts_BL = hold_after(dt_BLH.to(wide), starts_BL, lengths_B)
        skip_BLH = D_H.to(wide) * dt_BLH if skip == "scaled" else D_H.to(wide).expand_as(dt_BLH)
        given = Inputs(
            x_BLHP.to(narrow),
            dt_BLH,
            A_H.to(wide),
            B_BLGN.to(narrow),
            C_BLGN.to(narrow),
            skip_BLH,
            None if initial_BHNP is None else initial_BHNP.to(wide),
            starts_BL,
        )
        run = _choose(form, given.x_BLHP)
        return run(given, with_state) if x_BLHP.shape[1] else _nothing(given)


def _nothing(given: Inputs) -> tuple[Tensor, Tensor]:
    """No position: y is as empty as x, and the state stays what it was."""
    batch, _, heads, width = given.x_BLHP.shape
    zeros_BHNP = given.dt_BLH.new_zeros(batch, heads, given.B_BLGN.shape[-1], width)
    return given.x_BLHP, zeros_BHNP if given.initial_BHNP is None else given.initial_BHNP


def _product_dtype(x: Tensor, B: Tensor, C: Tensor) -> torch.dtype:
    if torch.is_autocast_enabled(x.device.type):
        return torch.get_autocast_dtype(x.device.type)
    return torch.promote_types(x.dtype, torch.promote_types(B.dtype, C.dtype))


def _choose(form: Form | None, x_BLHP: Tensor) -> Run:
    length = x_BLHP.shape[1]
    if form is None:
        if length <= SHORT:
            return quadratic
        return triton if obstacle(x_BLHP, "mamba_ssm") is None else chunked
    if form not in _FORMS:
        raise ValueError(f"ssd has no form {form!r}: one of {', '.join(_FORMS)}, or None to have it chosen")
    if form == "triton" and (reason := obstacle(x_BLHP, "mamba_ssm")) is not None:
        raise ValueError(f"ssd cannot run as form 'triton', {reason}")
    return _FORMS[form]
