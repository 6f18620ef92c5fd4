"""Systems whose item vectors stand in one table of shared rows.

Shapes: d width, I items (row 0 padding).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from model.base import SequenceModel
from model.layers.shared_rows import SharedRows


class FromTable(SequenceModel):
    """Gives ``item_vectors`` out of ``items``, which ``bind`` makes."""

    items: SharedRows

    def item_vectors(self, ids: Tensor | None = None) -> Tensor:
        """Item vectors; see ``SequenceModel.item_vectors``."""
        out: Tensor = self.items(ids)
        return out

    @contextmanager
    def shared_items(self, lookups: int = 0) -> Iterator[None]:
        """The table's rows; see ``SequenceModel.shared_items``."""
        with super().shared_items(lookups), self.items.shared(lookups):
            yield
