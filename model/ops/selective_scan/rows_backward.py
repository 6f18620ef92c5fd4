"""The gradient of short scans (see ``rows``): each block is run again, then walked back.

Shapes: Q positions, R rows, D channels, N state.
"""

import torch
from torch import Tensor

from model.ops.selective_scan.rows import Block, Rows, by_position


def read_backward(rows: Rows, dy_QRD: Tensor, entering_RND: Tensor, grad_RND: Tensor, numbers: int) -> Rows:
    """Gradients of ``read``. ``grad``, that of the state leaving the rows, becomes that of the state entering."""
    like = (rows.dt_QRD, rows.write_QRD, rows.A_ND, rows.B_QRN, rows.C_QRN)
    dt, write, A, B, C = (tensor.new_zeros(tensor.shape) for tensor in like)
    into = Rows(dt, write, A, B, C, keep_QR=None)
    room = None  # made once: fresh pages for each block would cost as much as filling them
    for part, block in rows.blocks(numbers):
        state = entering_RND[part]
        if room is None:
            room = state.new_empty(2, len(block) + 1, *state.shape)
        decays_QRND, states_QRND = room[:, :, : len(state)]
        _again(block, state, decays_QRND, states_QRND)
        _walk_back(block, by_position(dy_QRD, part, 1), decays_QRND, states_QRND, grad_RND[part], Block(into, part))
    return into


def _again(block: Block, entering_RND: Tensor, decays_QRND: Tensor, states_QRND: Tensor) -> None:
    """Fills in the decay of each position, and the state before each and after the last, one position more."""
    states_QRND[0] = entering_RND
    for at in range(len(block)):
        block.step(at, states_QRND[at], block.decay(at, decays_QRND[at]), states_QRND[at + 1])


def _walk_back(
    block: Block,
    dy_R1D: tuple[Tensor, ...],
    decays_QRND: Tensor,
    states_QRND: Tensor,
    grad_RND: Tensor,
    into: Block,
) -> None:
    pull_RND = torch.empty_like(grad_RND)
    dA_RND = torch.zeros_like(grad_RND)
    for at in reversed(range(len(block))):
        grad_RND.addcmul_(block.C_RN1[at], dy_R1D[at])
        torch.bmm(states_QRND[at + 1], dy_R1D[at].mT, out=into.C_RN1[at])
        torch.bmm(grad_RND, block.write_R1D[at].mT, out=into.B_RN1[at])
        torch.bmm(block.B_RN1[at].mT, grad_RND, out=into.write_R1D[at])
        torch.mul(grad_RND.mul_(decays_QRND[at]), states_QRND[at], out=pull_RND)  # of dt·A
        dA_RND.addcmul_(block.dt_R1D[at], pull_RND)
        torch.sum(pull_RND.mul_(block.A_ND), dim=1, keepdim=True, out=into.dt_R1D[at])
    into.A_ND.add_(dA_RND.sum(dim=0))
