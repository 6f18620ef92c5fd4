"""What is counted, not trained: one pass over the histories, then a solution.

Shapes: B batch, L positions, d width of the vectors, which may be the number of items.
"""

from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from model.causal import CausalModel
from model.ops.by_length import by_length
from model.state import Carry


class ClosedForm(CausalModel):
    """A system without gradients: ``reset``, ``count`` every training history, ``solve``.

    What ``solve`` finds stands in persistent buffers, so that a checkpoint holds it; what was counted does not. A user
    vector follows from the one before and the event, which makes it the state. An empty history's is 0.
    """

    @abstractmethod
    def reset(self) -> None:
        """Begin to count; what was counted before is forgotten."""

    @abstractmethod
    def count(self, items_BL: Tensor) -> None:
        """Take in whole training histories, each once in all, in any order: sums of whole numbers have none.

        Args:
            items_BL: ids, 0 on the right where there is none.
        """

    @abstractmethod
    def solve(self) -> None:
        """Make the item vectors of what was counted."""

    @property
    @abstractmethod
    def width(self) -> int:
        """d."""

    @abstractmethod
    def follow(self, user_Bd: Tensor, items_B: Tensor) -> Tensor:
        """User vectors after one more event, as a new tensor."""

    def positions(self, items_BL: Tensor, timestamps_BL: Tensor, carry: Carry | None = None) -> Tensor:
        """User vectors ``(B, L, d)``; see ``CausalModel.positions``."""
        user_Bd = items_BL.new_zeros(len(items_BL), self.width, dtype=torch.float32)
        if carry is None:
            return torch.stack(list(self._follow_all(user_Bd, items_BL)), dim=1)
        beyond_BL = torch.arange(items_BL.shape[1], device=items_BL.device) >= carry.lengths_B.unsqueeze(1)
        user_Bd = carry.take("user", (self.width,), user_Bd)
        every = list(self._follow_all(user_Bd, items_BL.masked_fill(beyond_BL, 0)))
        carry.give("user", every[-1])
        return torch.stack(every, dim=1)

    def user(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        """User vectors ``(B, d)``; see ``SequenceModel.user``."""
        return by_length(self._last, items_BL, lengths_B, timestamps_BL)

    def _last(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        user_Bd = items_BL.new_zeros(len(items_BL), self.width, dtype=torch.float32)
        for after_Bd in self._follow_all(user_Bd, items_BL):
            user_Bd = after_Bd
        return user_Bd

    def _follow_all(self, user_Bd: Tensor, items_BL: Tensor) -> Iterator[Tensor]:
        """User vectors after each position; padding leaves them alone."""
        for items_B in items_BL.unbind(dim=1):
            user_Bd = self.follow(user_Bd, items_B).where((items_B > 0).unsqueeze(1), user_Bd)
            yield user_Bd
