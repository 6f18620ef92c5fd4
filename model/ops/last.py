"""The last positions of histories padded on the right.

Shapes: B batch, L positions, R how many of the last.
"""

import torch
from torch import Tensor


def last_positions(lengths_B: Tensor, count: int) -> Tensor:
    """``(B, R)`` positions ``length - count … length - 1``; below 0 where a history is shorter.

    An empty history counts as one padding position, so that it too has a last one.
    """
    back_R = torch.arange(-count, 0, device=lengths_B.device)
    return lengths_B.clamp(min=1).unsqueeze(1) + back_R


def widen(at_BR: Tensor, past: int) -> Tensor:
    """``(B, past + R)``: consecutive positions, and those before them."""
    return torch.cat([at_BR[:, :1] + torch.arange(-past, 0, device=at_BR.device), at_BR], dim=1)


def take(x: Tensor, at_BR: Tensor) -> Tensor:
    """``(B, L, …)`` to ``(B, R, …)`` at these positions; those below 0 give the row's first, for the caller to mask."""
    rows, length = x.shape[:2]
    pick_BR = at_BR.clamp(min=0) + length * torch.arange(rows, device=at_BR.device).unsqueeze(1)
    return x.flatten(0, 1).index_select(0, pick_BR.flatten()).view(*at_BR.shape, *x.shape[2:])
