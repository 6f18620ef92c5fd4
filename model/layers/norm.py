"""Norms of the SSD blocks."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GatedRMSNorm(nn.Module):
    """``RMSNorm(y ⊙ SiLU(z))``: gate first, then norm (MODELS §1.3).

    Args:
        width: of y and z.
        eps: added to the mean square.
    """

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, y: Tensor, z: Tensor) -> Tensor:
        """``(…, width)`` twice to ``(…, width)``."""
        return F.rms_norm(y * F.silu(z), self.weight.shape, self.weight, self.eps)
