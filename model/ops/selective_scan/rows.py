"""Short scans, many at once: the loop is over the positions of a row, each step over every row of a block.

A block is as many rows as fill a cache, so that a step's passes over the state do not go to memory. States of
all positions are never kept: the gradient runs a block again. Decays are multiplied, never divided by.

Shapes: Q positions, R rows, D channels, N state. States lie as ``(R, N, D)``: the channels, being many, innermost.
Positions come first: a step is then contiguous, and torch multiplies matrices one by one when their results are not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """Rows to scan, or rows of gradients."""

    dt_QRD: Tensor
    write_QRD: Tensor  # dt·x
    A_ND: Tensor
    B_QRN: Tensor
    C_QRN: Tensor
    keep_QR: Tensor | None  # 0 where the state is forgotten before a position, else 1

    def blocks(self, numbers: int) -> Iterator[tuple[slice, "Block"]]:
        """Slices of rows whose states are about ``numbers`` numbers, and what lies in them."""
        count = self.dt_QRD.shape[1]
        size = max(1, numbers // max(1, self.A_ND.numel()))
        for begin in range(0, count, size):
            yield slice(begin, begin + size), Block(self, slice(begin, begin + size))

    def carry(self) -> Tensor:
        """``(R, N, D)``: what the whole row leaves of the state before it."""
        left_RND = (self.dt_QRD.sum(dim=0).unsqueeze(1) * self.A_ND).exp_()
        return left_RND if self.keep_QR is None else left_RND.mul_(self.keep_QR.amin(dim=0)[:, None, None])

    def zeros(self) -> Tensor:
        """``(R, N, D)``: no state."""
        return self.dt_QRD.new_zeros(self.dt_QRD.shape[1], *self.A_ND.shape)


class Block:
    """Some rows by position: views made at once, since making one costs as much as a step's smaller passes."""

    def __init__(self, rows: Rows, part: slice) -> None:
        self.A_ND = rows.A_ND
        self.dt_R1D = by_position(rows.dt_QRD, part, 1)
        self.write_R1D = by_position(rows.write_QRD, part, 1)
        self.B_RN1 = by_position(rows.B_QRN, part, 2)
        self.C_RN1 = by_position(rows.C_QRN, part, 2)
        self.keep_R11 = None if rows.keep_QR is None else by_position(rows.keep_QR[..., None], part, 1)

    def __len__(self) -> int:
        return len(self.dt_R1D)

    def decay(self, at: int, out_RND: Tensor) -> Tensor:
        """What position ``at`` leaves of the state before it."""
        torch.mul(self.dt_R1D[at], self.A_ND, out=out_RND).exp_()
        return out_RND if self.keep_R11 is None else out_RND.mul_(self.keep_R11[at])

    def step(self, at: int, state_RND: Tensor, decay_RND: Tensor, out_RND: Tensor) -> None:
        """The state after position ``at``; ``out`` may be ``state``."""
        torch.mul(state_RND, decay_RND, out=out_RND).addcmul_(self.B_RN1[at], self.write_R1D[at])


def by_position(tensor_QRX: Tensor, part: slice, dim: int) -> tuple[Tensor, ...]:
    """Q views of some rows, with an axis of 1 at ``dim``."""
    return tensor_QRX[:, part].unsqueeze(dim + 1).unbind(0)


def read(rows: Rows, state_RND: Tensor, numbers: int) -> Tensor:
    """``(Q, R, D)``: what each position reads. ``state``, entering the rows, becomes the one leaving them."""
    y_QRD = torch.empty_like(rows.dt_QRD, memory_format=torch.contiguous_format)
    for part, block in rows.blocks(numbers):
        state = state_RND[part]
        room = torch.empty_like(state)
        for at, y_R1D in enumerate(by_position(y_QRD, part, 1)):
            block.step(at, state, block.decay(at, room), state)
            torch.bmm(block.C_RN1[at].mT, state, out=y_R1D)
    return y_QRD


def written(rows: Rows, numbers: int) -> Tensor:
    """``(R, N, D)``: the state that leaves rows which none entered."""
    state_RND = rows.zeros()
    for part, block in rows.blocks(numbers):
        state = state_RND[part]
        room = torch.empty_like(state)
        for at in range(len(block)):
            block.step(at, state, block.decay(at, room), state)
    return state_RND


def pulled(rows: Rows, dy_QRD: Tensor, numbers: int) -> Tensor:
    """``(R, N, D)``: the gradient of the state that enters the rows, none coming from the state that leaves."""
    grad_RND = rows.zeros()
    for part, block in rows.blocks(numbers):
        grad, dys = grad_RND[part], by_position(dy_QRD, part, 1)
        room = torch.empty_like(grad)
        for at in reversed(range(len(block))):
            grad.addcmul_(block.C_RN1[at], dys[at]).mul_(block.decay(at, room))
    return grad_RND
