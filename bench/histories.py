"""Made histories of the sizes that a step is measured at.

Shapes: B batch, L window.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Lengths = Literal["full", "short"]


@dataclass(frozen=True)
class Histories:
    """Items and timestamps ``(B, L)``, lengths and targets ``(B,)``."""

    items: Tensor
    lengths: Tensor
    timestamps: Tensor
    targets: Tensor


def make_histories(batch: int, window: int, n_items: int, lengths: Lengths, device: torch.device) -> Histories:
    """Uniform items, days between purchases; right padding of 0.

    Args:
        batch: B.
        window: L.
        n_items: I.
        lengths: ``full`` windows, or ``short``: geometric with mean 6 as shops have them, cut at the window.
        device: where to.
    """
    lengths_B = torch.full((batch,), window)
    if lengths == "short":
        lengths_B = torch.empty(batch).geometric_(1 / 6).long().clamp(max=window)
    valid_BL = torch.arange(window) < lengths_B.unsqueeze(1)
    items_BL = torch.randint(1, n_items + 1, (batch, window)) * valid_BL
    stamps_BL = (1_500_000_000 + torch.randint(0, 1_000_000, (batch, window)).cumsum(1)) * valid_BL
    targets_B = torch.randint(1, n_items + 1, (batch,))
    return Histories(*(tensor.to(device) for tensor in (items_BL, lengths_B, stamps_BL, targets_B)))
