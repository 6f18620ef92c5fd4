"""The SSD sum in chunks (Dao & Gu, arXiv 2405.21060, section 6): quadratic inside, states between; linear in L.

Shapes: B batch, L positions, K chunks, Q positions of a chunk, H heads, P head dim, N state, M = N·P.
"""

from dataclasses import replace

import torch
from torch import Tensor, unflatten

from model.ops.segments import fold
from model.ops.ssd.decays import Decays
from model.ops.ssd.inputs import Inputs
from model.ops.ssd.quadratic import quadratic
from model.ops.ssd.states import entering
from model.ops.ssd.write import write

CHUNK = 64  # at the usual N = P = 64 the squares inside cost what the states between do
CACHED = 32  # chunks read at once on a CPU


def chunked(given: Inputs, with_state: bool) -> tuple[Tensor, Tensor | None]:
    """``(y_BLHP, final_BHNP)``: each chunk is a row of the quadratic form that starts from the state entering it."""
    batch, length = given.x_BLHP.shape[:2]
    many = (batch, -(-length // CHUNK))
    rows = _as_rows(given)
    initial_HBM = None if given.initial_BHNP is None else given.initial_BHNP.transpose(0, 1).flatten(-2)
    states_HBKM, final_HBM = _states(rows, many, initial_HBM)
    sizes = (given.B_BLGN.shape[-1], given.x_BLHP.shape[-1])
    initial_RHNP = unflatten(states_HBKM.flatten(1, 2), -1, sizes).transpose(0, 1)
    y_RQHP = _read(replace(rows, initial_BHNP=initial_RHNP))
    y_BLHP = unflatten(y_RQHP, 0, many).flatten(1, 2)[:, :length]
    return y_BLHP, unflatten(final_HBM, -1, sizes).transpose(0, 1) if with_state else None


def _read(rows: Inputs) -> Tensor:
    """``(R, Q, H, P)``; on a CPU some rows at a time, whose squares stay in the cache and in memory already mapped."""
    if rows.x_BLHP.device.type != "cpu" or len(rows.x_BLHP) <= CACHED:
        return quadratic(rows, with_state=False)[0]
    by_row = {name: tensor for name, tensor in vars(rows).items() if tensor is not None and name != "A_H"}
    parts = zip(*(torch.split(tensor, CACHED) for tensor in by_row.values()), strict=True)
    given = (replace(rows, **dict(zip(by_row, part, strict=True))) for part in parts)
    return torch.cat([quadratic(part, with_state=False)[0] for part in given])


def _as_rows(given: Inputs) -> Inputs:
    """Chunks in place of rows, ``B·K`` of them, without an initial state; what is padded moves no state."""

    def rows(tensor: Tensor) -> Tensor:
        return fold(tensor, CHUNK).flatten(0, 1)

    return Inputs(
        rows(given.x_BLHP),
        rows(given.dt_BLH),
        given.A_H,
        rows(given.B_BLGN),
        rows(given.C_BLGN),
        rows(given.skip_BLH),
        starts_BL=None if given.starts_BL is None else rows(given.starts_BL),
    )


def _states(rows: Inputs, many: tuple[int, int], initial_HBM: Tensor | None) -> tuple[Tensor, Tensor]:
    """The state entering each chunk, ``(H, B, K, M)``, and the one after the last, ``(H, B, M)``; many is (B, K)."""
    dt_HRQ = rows.dt_BLH.permute(2, 0, 1)
    log_HRQ = dt_HRQ * rows.A_H[:, None, None]
    own_HRNP = write(rows.x_BLHP, rows.B_BLGN, Decays(log_HRQ, rows.starts_BL).to_end() * dt_HRQ)
    own_HBKM = unflatten(own_HRNP.flatten(-2), 1, many).to(dt_HRQ.dtype)
    log_HBK = unflatten(log_HRQ.sum(dim=-1), 1, many)
    starts_BK = None if rows.starts_BL is None else unflatten(rows.starts_BL.any(dim=-1), 0, many)
    return entering(own_HBKM, log_HBK, starts_BK, initial_HBM)
