"""Norms of the SSD blocks."""

import torch
from torch import Tensor, nn

from model.ops.gated_norm import gated_rms_norm


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
        return gated_rms_norm(y, z, self.weight, self.eps)
