"""One modality's item vectors: adapted features, and a learned vector where there are none.

Shapes: I items (row 0 padding), F feature width, d hidden.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ContentTable(nn.Module):
    """``E = adapter(feature)``; an item without this content gets a learned vector in its place.

    Args:
        features: ``(I, F)``, without the padding row.
        present: ``(I,)``, False where the content is missing.
        adapter: from ``(…, F)`` to ``(…, d)``.
        hidden: d.
    """

    features: Tensor
    present: Tensor

    def __init__(self, features: Tensor, present: Tensor, adapter: nn.Module, hidden: int) -> None:
        super().__init__()
        # Non-persistent: a checkpoint holds no feature tables. The padding row counts as present.
        self.register_buffer("features", F.pad(features.float(), (0, 0, 1, 0)), persistent=False)
        self.register_buffer("present", F.pad(present.bool(), (1, 0), value=True), persistent=False)
        self.adapter = adapter
        self.missing = nn.Parameter(torch.empty(hidden).normal_(std=0.02))

    def forward(self, ids: Tensor | None = None) -> Tensor:
        """Vectors of ``ids`` (any shape), or of all items ``(I+1, d)``."""
        pick = slice(None) if ids is None else ids
        adapted = self.adapter(self.features[pick])
        return torch.where(self.present[pick].unsqueeze(-1), adapted, self.missing.to(adapted.dtype))
