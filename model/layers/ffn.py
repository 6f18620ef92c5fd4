"""The position-wise feed-forward block."""

import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.dropout import Dropout


class FeedForward(nn.Module):
    """``LayerNorm(dropout(W_b·dropout(hardswish(W_a·h))) + h)`` (MODELS §1.4).

    Args:
        width: d.
        inner: width between the two maps.
        dropout: share of entries dropped.
        eps: of the norm.
    """

    def __init__(self, width: int, inner: int, dropout: float, eps: float) -> None:
        super().__init__()
        self.widen = nn.Linear(width, inner)
        self.narrow = nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps)
        self.dropout = Dropout(dropout)

    def forward(self, h: Tensor) -> Tensor:
        """``(…, d)`` to the same."""
        inner = self.dropout(F.hardswish(self.widen(h)))
        out: Tensor = self.norm(self.dropout(self.narrow(inner)) + h)
        return out
