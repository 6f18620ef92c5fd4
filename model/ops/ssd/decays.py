"""How much of one position is left at another: exponentials of sums of log decays, cut at starts.

Only differences that are not positive are exponentiated, so nothing overflows, and starts are a mask
and not a large negative number, which would drown the sums that follow it.

Shapes: H heads, B batch, L positions. Heads come first: every head is then one contiguous batch of matrices.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from model.ops.segments import segment_ids


class Decays:
    """Sums of ``log_HBL`` (0 or less) along L; ``starts_BL`` marks where what came before is forgotten."""

    def __init__(self, log_HBL: Tensor, starts_BL: Tensor | None) -> None:
        self.sums_HBL = log_HBL.cumsum(dim=-1)
        self.segments_BL = None if starts_BL is None else segment_ids(starts_BL)

    def between(self, dt_HBL: Tensor) -> Tensor:
        """``(H, B, L, L)``: ``dt_j · exp(Σ_{i=j+1..l} log_i)`` for j ≤ l of one segment, else 0."""
        length = self.sums_HBL.shape[-1]
        seen = torch.ones(length, length, dtype=torch.bool, device=dt_HBL.device).tril()
        if self.segments_BL is not None:
            seen = seen & (self.segments_BL.unsqueeze(-1) == self.segments_BL.unsqueeze(-2))
        kernel: Tensor = _Between.apply(self.sums_HBL, dt_HBL, seen)  # type: ignore[no-untyped-call]
        return kernel

    def to_end(self) -> Tensor:
        """``(H, B, L)``: what is left of each position after the last, 0 where a start lies between."""
        left_HBL = (self.sums_HBL[..., -1:] - self.sums_HBL).exp()
        if self.segments_BL is None:
            return left_HBL
        return left_HBL * (self.segments_BL == self.segments_BL[:, -1:])

    def from_before(self) -> Tensor:
        """``(H, B, L)``: what is left at each position of the state before the first, 0 from a start on."""
        left_HBL = self.sums_HBL.exp()
        return left_HBL if self.segments_BL is None else left_HBL * (self.segments_BL == 0)


class _Between(torch.autograd.Function):
    """Written out, since autograd would keep four of these squares where one is enough."""

    @staticmethod
    def forward(ctx: Any, sums_HBL: Tensor, dt_HBL: Tensor, seen: Tensor) -> Tensor:
        gap_HBLL = sums_HBL.unsqueeze(-1) - sums_HBL.unsqueeze(-2)
        # the future is cut to 1 and then to 0: exp(-inf) takes three times as long on a CPU
        decay_HBLL = gap_HBLL.clamp_(max=0.0).exp_().mul_(seen)
        ctx.save_for_backward(decay_HBLL, dt_HBL)
        return decay_HBLL * dt_HBL.unsqueeze(-2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_HBLL: Tensor) -> tuple[Tensor | None, ...]:
        decay_HBLL, dt_HBL = ctx.saved_tensors
        pull_HBLL = grad_HBLL * decay_HBLL
        ddt_HBL = pull_HBLL.sum(dim=-2)
        rows_HBL = pull_HBLL.mul_(dt_HBL.unsqueeze(-2)).sum(dim=-1)
        return rows_HBL - ddt_HBL * dt_HBL, ddt_HBL, None
