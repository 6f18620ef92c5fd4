"""The most popular items, alike for everyone.

Shapes: B batch, L positions, I items (row 0 padding).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from model.closed_form import ClosedForm
from model.layers.look_up import look_up
from model.state import Carry


class Popularity(ClosedForm):
    """Every user vector is 1, an item's is ``log(1 + events)``: the score of the popular item is the higher."""

    item_bound: tuple[str, ...] = ("weight",)
    events: Tensor
    weight: Tensor

    def __init__(self) -> None:  # there are no options: arguments are read from here
        super().__init__()

    def bind(self, n_items: int, features: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> None:
        """Make room for the counts; see ``SequenceModel.bind``."""
        self.register_buffer("events", torch.zeros(n_items + 1, dtype=torch.int64), persistent=False)
        self.register_buffer("weight", torch.zeros(n_items + 1, 1))

    def reset(self) -> None:
        """See ``ClosedForm``."""
        self.events.zero_()

    def count(self, items_BL: Tensor) -> None:
        """See ``ClosedForm``."""
        self.events += torch.bincount(items_BL.flatten(), minlength=len(self.events))

    def solve(self) -> None:
        """See ``ClosedForm``."""
        self.events[0] = 0
        self.weight.copy_(self.events.log1p().unsqueeze(1))

    @property
    def width(self) -> int:
        """1."""
        return 1

    def follow(self, user_Bd: Tensor, items_B: Tensor) -> Tensor:
        """1."""
        return torch.ones_like(user_Bd)

    def positions(self, items_BL: Tensor, timestamps_BL: Tensor, carry: Carry | None = None) -> Tensor:
        """Ones, of users without events too; there is no state."""
        return torch.ones(*items_BL.shape, 1, device=items_BL.device)

    def user(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        """Ones ``(B, 1)``."""
        return torch.ones(len(items_BL), 1, device=items_BL.device)

    def item_vectors(self, ids: Tensor | None = None) -> Tensor:
        """``(I+1, 1)``; see ``SequenceModel.item_vectors``."""
        return look_up(self.weight, ids)
