"""A mixture of linear experts whose gate reads something else than what they map.

Shapes: d width, G width of what the gate reads, K experts.
"""

import torch
from torch import Tensor, nn


class GatedExperts(nn.Module):
    """``Σ_k softmax(W·g)_k · (A_k·x + b_k)``.

    Args:
        width: d.
        gate: G.
        experts: K.
    """

    def __init__(self, width: int, gate: int, experts: int) -> None:
        super().__init__()
        self.experts = nn.Linear(width, experts * width)
        self.gate = nn.Linear(gate, experts)

    def forward(self, x: Tensor, g: Tensor) -> Tensor:
        """``(…, d)`` and ``(…, G)`` to ``(…, d)``."""
        weights: Tensor = self.gate(g).softmax(dim=-1)
        mapped = self.experts(x).view(*x.shape[:-1], weights.shape[-1], x.shape[-1])
        out: Tensor = torch.linalg.vecdot(mapped, weights.unsqueeze(-1), dim=-2)
        return out
