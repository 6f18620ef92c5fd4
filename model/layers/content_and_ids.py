"""Items as ids and content together, and as content alone.

Shapes: I items (row 0 padding), d hidden.
"""

from torch import Tensor

from model.layers.item_vectors import ItemVectors, add_up


class ContentAndIds(ItemVectors):
    """An item's vector, and its content alone as a second table."""

    @property
    def names(self) -> tuple[str, ...]:
        """The content is part of the items."""
        return ("content", "items")

    def compute(self, name: str, ids: Tensor | None) -> Tensor:
        """See ``SharedRows``."""
        return add_up(super().content(ids)) if name == "content" else super().compute(name, ids)

    def content(self, ids: Tensor | None) -> list[Tensor]:
        """The second table, which is computed once."""
        return [self.embed("content", ids)]
