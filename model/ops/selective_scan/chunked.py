"""The selective scan in chunks: positions of a chunk are looped over for all chunks at once, at most ``CHUNK`` of them.

What each chunk leaves behind gives the states between chunks (``between``), from which every chunk is then read
on its own; a row of one chunk is read directly. Time and memory are linear in L, no loop grows with it, and of
the states only those between chunks are kept.

Shapes: B batch, L positions, K chunks, Q positions of a chunk, R = B·K rows, D channels, N state.
"""

from typing import Any

import torch
from torch import Tensor, unflatten
from torch.autograd.function import once_differentiable

from model.ops.segments import fold
from model.ops.selective_scan.between import entering
from model.ops.selective_scan.inputs import Inputs
from model.ops.selective_scan.rows import Rows, pulled, read, written
from model.ops.selective_scan.rows_backward import read_backward

CHUNK = 64  # positions of a chunk at most
_CACHED = 2**16  # numbers of a block's states on a CPU; the gradient's blocks hold twice CHUNK as many
_ON_GPU = 2**22


def chunked(given: Inputs) -> tuple[Tensor, Tensor]:
    """``(y_BLD, final_BDN)``."""
    initial_BDN = given.initial_BDN
    if initial_BDN is None:
        initial_BDN = given.x_BLD.new_zeros(len(given.x_BLD), *given.A_DN.shape)
    y_BLD, final_BND = _Chunked.apply(  # type: ignore[no-untyped-call]
        given.dt_BLD,
        given.dt_BLD * given.x_BLD,
        given.A_DN.T.contiguous(),
        given.B_BLN,
        given.C_BLN,
        initial_BDN.mT,
        None if given.starts_BL is None else (~given.starts_BL).to(given.x_BLD.dtype),
    )
    return y_BLD, final_BND.mT


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        dt_BLD: Tensor,
        write_BLD: Tensor,
        A_ND: Tensor,
        B_BLN: Tensor,
        C_BLN: Tensor,
        initial_BND: Tensor,
        keep_BL: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        rows, many = _as_rows(dt_BLD, write_BLD, A_ND, B_BLN, C_BLN, keep_BL)
        numbers = _block(dt_BLD)
        entering_RND = initial_BND
        if many[1] > 1:
            own_BKND = unflatten(written(rows, numbers), 0, many)
            states_BKND = entering(own_BKND, unflatten(rows.carry(), 0, many), initial_BND)
            entering_RND = states_BKND.flatten(0, 1)
        leaving_RND = entering_RND.clone(memory_format=torch.contiguous_format)
        y_QRD = read(rows, leaving_RND, numbers)
        ctx.save_for_backward(dt_BLD, write_BLD, A_ND, B_BLN, C_BLN, keep_BL, entering_RND)
        return _as_positions(y_QRD, dt_BLD), unflatten(leaving_RND, 0, many)[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_BLD: Tensor, dfinal_BND: Tensor) -> tuple[Tensor | None, ...]:
        *given, entering_RND = ctx.saved_tensors
        rows, many = _as_rows(*given)
        numbers = _block(dy_BLD)
        dy_QRD = _fold(dy_BLD)
        grad_RND = dfinal_BND
        if many[1] > 1:  # from the last chunk to the first, as the states went from the first to the last
            own_BKND = unflatten(pulled(rows, dy_QRD, numbers), 0, many)
            grads_BKND = entering(own_BKND.flip(1), unflatten(rows.carry(), 0, many).flip(1), dfinal_BND)
            grad_RND = grads_BKND.flip(1).flatten(0, 1)
        grad_RND = grad_RND.clone(memory_format=torch.contiguous_format)
        of = read_backward(rows, dy_QRD, entering_RND, grad_RND, numbers)
        ddt, dwrite, dB, dC = (_as_positions(t, dy_BLD) for t in (of.dt_QRD, of.write_QRD, of.B_QRN, of.C_QRN))
        return ddt, dwrite, of.A_ND, dB, dC, unflatten(grad_RND, 0, many)[:, 0].clone(), None


def _as_rows(
    dt_BLD: Tensor, write_BLD: Tensor, A_ND: Tensor, B_BLN: Tensor, C_BLN: Tensor, keep_BL: Tensor | None
) -> tuple[Rows, tuple[int, int]]:
    """Chunks as rows, and how many: ``(B, K)``. What is padded moves no state."""
    keep_QR = None if keep_BL is None else _fold(keep_BL, padding=1)
    rows = Rows(_fold(dt_BLD), _fold(write_BLD), A_ND, _fold(B_BLN), _fold(C_BLN), keep_QR)
    return rows, (len(dt_BLD), -(-dt_BLD.shape[1] // len(rows.dt_QRD)))


def _fold(tensor_BLX: Tensor, padding: int = 0) -> Tensor:
    """``(Q, B·K, …)``, a view where nothing is padded; the chunks are as even as they can be."""
    length = tensor_BLX.shape[1]
    chunks = -(-length // CHUNK)
    return fold(tensor_BLX, -(-length // chunks), padding=padding).flatten(0, 1).transpose(0, 1)


def _as_positions(tensor_QRX: Tensor, like_BLX: Tensor) -> Tensor:
    """``(B, L, …)``, without what was padded."""
    batch, length = like_BLX.shape[:2]
    many = (batch, -(-length // len(tensor_QRX)))
    return unflatten(tensor_QRX.transpose(0, 1), 0, many).flatten(1, 2)[:, :length]


def _block(tensor: Tensor) -> int:
    return _CACHED if tensor.device.type == "cpu" else _ON_GPU
