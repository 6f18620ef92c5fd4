"""Causal systems in which the vector after the last event is one of those after every event.

Shapes: B batch, L positions, d width.
"""

from torch import Tensor

from model.causal import CausalModel
from model.ops.by_length import by_length
from model.ops.last import last_positions, take


class LastPosition(CausalModel):
    """Gives ``user`` out of ``positions``."""

    def user(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        """User vectors ``(B, d)``; see ``SequenceModel.user``."""
        with self.shared_items(items_BL.numel()):
            return by_length(self._last, items_BL, lengths_B, timestamps_BL)

    def _last(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        vectors_BLd = self.positions(items_BL, timestamps_BL[:, : items_BL.shape[1]])
        return take(vectors_BLd, last_positions(lengths_B, 1)).squeeze(1)
