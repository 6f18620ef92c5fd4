"""The position-wise feed-forward block."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.dropout import Dropout


class FeedForward(nn.Module):
    """``LayerNorm(dropout(W_b·dropout(act(W_a·h))) + h)`` (MODELS §1.4, with hardswish).

    Args:
        width: d.
        inner: width between the two maps.
        dropout: share of entries dropped.
        eps: of the norm.
        activation: between the two maps.
    """

    def __init__(
        self,
        width: int,
        inner: int,
        dropout: float,
        eps: float,
        activation: Callable[[Tensor], Tensor] = F.hardswish,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.widen = nn.Linear(width, inner)
        self.narrow = nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps)
        self.dropout = Dropout(dropout)

    def forward(self, h: Tensor) -> Tensor:
        """``(…, d)`` to the same."""
        inner = self.dropout(self.activation(self.widen(h)))
        out: Tensor = self.norm(self.dropout(self.narrow(inner)) + h)
        return out
