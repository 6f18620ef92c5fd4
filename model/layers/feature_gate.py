"""A gate that weighs several features of a position against one another (MODELS §4).

Shapes: B batch, L positions, d width, S features, G groups of C channels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn, unflatten


class FeatureGate(nn.Module):
    """``Σ_s w_s ⊙ feature_s`` with ``w = softmax_s(W·concat(features))``, one weight a position and channel group.

    Args:
        features: S.
        width: d.
        groups: G, a divisor of d.

    Raises:
        ValueError: a number of groups that does not divide the width.
    """

    def __init__(self, features: int, width: int, groups: int) -> None:
        super().__init__()
        if groups < 1 or width % groups:
            raise ValueError(f"groups = {groups}: the channel groups of the gate must divide hidden = {width}")
        self.groups = groups
        self.weigh = nn.Linear(features * width, features * groups)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """S times ``(B, L, d)`` to one."""
        flat_BLX = self.weigh(torch.cat(list(features), dim=-1))
        weights_BLSG = unflatten(flat_BLX, -1, (len(features), self.groups)).softmax(dim=-2)
        grouped_BLSGC = unflatten(torch.stack(list(features), dim=-2), -1, (self.groups, -1))
        return (weights_BLSG.unsqueeze(-1) * grouped_BLSGC).sum(dim=-3).flatten(-2)
