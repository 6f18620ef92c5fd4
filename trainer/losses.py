"""Next-item losses: cross-entropy over the catalogue, or over the batch's targets.

Shapes: B targets, C candidates, d width, I items (id 0 padding), S items of a history.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from model import SequenceModel
from trainer.cross_entropy import catalogue_cross_entropy


class NextItemLoss(ABC):
    """Mean cross-entropy of the targets given user vectors.

    Args:
        repeats: what a user had before stands among the candidates. False where nobody takes an item twice and
            history is removed from what is recommended: then nothing is spent on learning not to repeat, and the
            reading with history removed gains what the reading as published loses.
    """

    def __init__(self, repeats: bool = True) -> None:
        self.repeats = repeats

    @abstractmethod
    def __call__(self, user_Bd: Tensor, targets_B: Tensor, seen_BS: Tensor | None, system: SequenceModel) -> Tensor:
        """A scalar; targets of 0 are padding and do not count, and where all are the loss is 0.

        ``seen``: each target's history, 0 where there is none; a target in it stays a candidate. It is read, and has
        to be given, only where ``repeats`` is False.
        """

    def left_out(self, seen_BS: Tensor | None) -> Tensor | None:
        """What of ``seen`` is no candidate; None for nothing."""
        assert self.repeats or seen_BS is not None, "a loss without repeats needs what each target's user had"
        return None if self.repeats else seen_BS


class FullCatalogue(NextItemLoss):
    """``-log softmax(u·items)[target]`` over items 1…I; for fine-tuning."""

    def __call__(self, user_Bd: Tensor, targets_B: Tensor, seen_BS: Tensor | None, system: SequenceModel) -> Tensor:
        """See ``NextItemLoss``."""
        items_Id = system.item_vectors()
        return catalogue_cross_entropy(user_Bd, items_Id, targets_B, left_out_BS=self.left_out(seen_BS))


class InBatch(NextItemLoss):
    """The same over the batch's targets as candidates; for pretraining on large catalogues.

    Other rows with the same target are no negatives of it, and padding is no candidate. A target that several
    rows have is one candidate that counts so often, so that its vector is computed once.
    """

    def __call__(self, user_Bd: Tensor, targets_B: Tensor, seen_BS: Tensor | None, system: SequenceModel) -> Tensor:
        """See ``NextItemLoss``."""
        with_padding = torch.cat([targets_B.new_zeros(1), targets_B])  # then it is candidate 0, as in a catalogue
        ids_C, place, counts_C = torch.unique(with_padding, return_inverse=True, return_counts=True)
        had_BS = self.left_out(seen_BS)
        left_out_BS = None if had_BS is None else _places(had_BS, ids_C)
        return catalogue_cross_entropy(user_Bd, system.item_vectors(ids_C), place[1:], counts_C, left_out_BS)


def _places(ids: Tensor, sorted_C: Tensor) -> Tensor:
    """Where each id stands among the sorted ones, 0 where it does not."""
    at = torch.searchsorted(sorted_C, ids).clamp(max=len(sorted_C) - 1)
    return torch.where(sorted_C[at] == ids, at, 0)
