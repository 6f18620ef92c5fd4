"""Neighbours in content: items like those that the user had last; nothing is learned.

Shapes: B batch, I items (row 0 padding), F feature width, d the features' widths together.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from model.closed_form import ClosedForm
from model.layers.look_up import look_up
from model.layers.sizes import check_decay
from model.modalities import Modalities, check_modalities, chosen


class ContentKNN(ClosedForm):
    """A score is the sum of the cosines of an item's content to that of the user's items, the recent ones before all.

    Each modality counts alike. Content that is missing is like nothing.

    Args:
        modalities: ``text``, ``image`` or both.
        decay: weight of an event relative to the one after it, above 0 and at most 1.
        centre: take cosines about the catalogue's mean, without what all items share.

    Raises:
        ValueError: modalities that are not among these, or a decay outside that range.
    """

    vectors: Tensor

    def __init__(self, modalities: Modalities = ("text", "image"), decay: float = 0.7, centre: bool = True) -> None:
        super().__init__()
        check_modalities(modalities)
        check_decay(decay)
        self.modalities, self.decay, self.centre = tuple(modalities), decay, centre

    def bind(self, n_items: int, features: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> None:
        """Take the features; see ``SequenceModel.bind``."""
        kept = chosen(self.modalities, features)
        parts = [self._directions(table.float(), present[name].bool()) for name, table in kept.items()]
        self.register_buffer("vectors", F.pad(torch.cat(parts, dim=1), (0, 0, 1, 0)), persistent=False)

    def _directions(self, features_IF: Tensor, present_I: Tensor) -> Tensor:
        """``(I, F)`` of length 1, or 0 where there is no content."""
        if self.centre and present_I.any():
            features_IF = features_IF - features_IF[present_I].mean(dim=0)
        return F.normalize(features_IF, dim=1).masked_fill(~present_I.unsqueeze(1), 0.0)

    def reset(self) -> None:
        """Nothing is counted."""

    def count(self, items_BL: Tensor) -> None:
        """Nothing is counted."""

    def solve(self) -> None:
        """Nothing is counted."""

    @property
    def width(self) -> int:
        """d."""
        return self.vectors.shape[1]

    def follow(self, user_Bd: Tensor, items_B: Tensor) -> Tensor:
        """See ``ClosedForm``."""
        return self.decay * user_Bd + self.vectors[items_B]

    def item_vectors(self, ids: Tensor | None = None) -> Tensor:
        """``(I+1, d)``; see ``SequenceModel.item_vectors``."""
        return look_up(self.vectors, ids)
