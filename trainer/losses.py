"""Next-item losses: cross-entropy over the catalogue, or over the batch's targets.

Shapes: B batch, C candidates, d width, I items (id 0 padding).
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from model import SequenceModel
from trainer.cross_entropy import catalogue_cross_entropy


class NextItemLoss(ABC):
    """Mean cross-entropy of the targets given user vectors."""

    @abstractmethod
    def __call__(self, user_Bd: Tensor, targets_B: Tensor, system: SequenceModel) -> Tensor:
        """A scalar; targets of 0 are padding and do not count, and where all are the loss is 0."""


class FullCatalogue(NextItemLoss):
    """``-log softmax(u·items)[target]`` over items 1…I; for fine-tuning."""

    def __call__(self, user_Bd: Tensor, targets_B: Tensor, system: SequenceModel) -> Tensor:
        """See ``NextItemLoss``."""
        return catalogue_cross_entropy(user_Bd, system.item_vectors(), targets_B)


class InBatch(NextItemLoss):
    """The same over the batch's targets as candidates; for pretraining on large catalogues.

    Other rows with the same target are no negatives of it, and padding is no candidate. A target that several
    rows have is one candidate that counts so often, so that its vector is computed once.
    """

    def __call__(self, user_Bd: Tensor, targets_B: Tensor, system: SequenceModel) -> Tensor:
        """See ``NextItemLoss``."""
        with_padding = torch.cat([targets_B.new_zeros(1), targets_B])  # then it is candidate 0, as in a catalogue
        ids_C, place, counts_C = torch.unique(with_padding, return_inverse=True, return_counts=True)
        return catalogue_cross_entropy(user_Bd, system.item_vectors(ids_C), place[1:], counts_C)
