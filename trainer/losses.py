"""Next-item losses: cross-entropy over the catalogue, or over the batch's targets.

Shapes: B batch, d width, I items (id 0 padding).
"""

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor

from model import SequenceModel


class NextItemLoss(ABC):
    """Mean cross-entropy of the targets given user vectors."""

    @abstractmethod
    def __call__(self, user_Bd: Tensor, targets_B: Tensor, system: SequenceModel) -> Tensor:
        """A scalar; targets of 0 are padding and do not count."""


class FullCatalogue(NextItemLoss):
    """``-log softmax(u·items)[target]`` over items 1…I; for fine-tuning."""

    def __call__(self, user_Bd: Tensor, targets_B: Tensor, system: SequenceModel) -> Tensor:
        """See ``NextItemLoss``."""
        logits_BI = user_Bd @ system.item_vectors()[1:].T
        return F.cross_entropy(logits_BI.float(), targets_B - 1, ignore_index=-1)


class InBatch(NextItemLoss):
    """The same over the batch's targets as candidates; for pretraining on large catalogues.

    Other rows with the same target are no negatives of it, and padding is no candidate.
    """

    def __call__(self, user_Bd: Tensor, targets_B: Tensor, system: SequenceModel) -> Tensor:
        """See ``NextItemLoss``."""
        logits_BB = user_Bd @ system.item_vectors(targets_B).T
        same = targets_B.unsqueeze(0) == targets_B.unsqueeze(1)
        diagonal = torch.eye(len(targets_B), dtype=torch.bool, device=targets_B.device)
        excluded = (same & ~diagonal) | ((targets_B == 0) & ~diagonal)
        rows = torch.arange(len(targets_B), device=targets_B.device)
        labels = torch.where(targets_B == 0, -1, rows)
        return F.cross_entropy(logits_BB.float().masked_fill(excluded, -torch.inf), labels, ignore_index=-1)
