"""Items as ids and content together, and as content alone.

Shapes: I items (row 0 padding), d hidden.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from model.layers.item_vectors import ItemVectors


class ContentAndIds(ItemVectors):
    """An item's vector, and its content alone as a second table."""

    @property
    def names(self) -> tuple[str, ...]:
        """The content is part of the items."""
        return ("content", "items")

    def compute(self, name: str, ids: Tensor | None) -> Tensor:
        """See ``SharedRows``."""
        if name == "content":
            return torch.stack([table(ids) for table in self.tables.values()]).sum(dim=0)
        content = self.embed("content", ids)
        if self.ids is None:
            return content
        return content + (self.ids if ids is None else F.embedding(ids, self.ids))
