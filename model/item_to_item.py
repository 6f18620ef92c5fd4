"""Linear models from items to items, made of how often two items share a user.

Shapes: B batch, L positions, I items (row and column 0 padding), C distinct items of a batch.
"""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from model.closed_form import ClosedForm
from model.layers.look_up import look_up
from model.layers.sizes import check_decay

_BYTES = 32  # an entry: counts and weights in float32, and three matrices in float64 while they are solved


class ItemToItem(ClosedForm):
    """A user vector tells which items the user had, an item vector how much each of these speaks for it.

    Args:
        decay: weight of an item relative to had one event later, above 0 and at most 1; 1 forgets nothing.
        limit: the largest catalogue; I items take 32·I² bytes to solve, 13 GB at 20,000, and 4·I² afterwards.

    Raises:
        ValueError: a decay outside that range.
    """

    item_bound: tuple[str, ...] = ("weight",)
    together: Tensor
    weight: Tensor

    def __init__(self, decay: float, limit: int) -> None:
        super().__init__()
        check_decay(decay)
        self.decay, self.limit = decay, limit

    def bind(self, n_items: int, features: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> None:
        """Make room for the weights; see ``SequenceModel.bind``.

        Raises:
            ValueError: the catalogue is above the limit.
        """
        if n_items > self.limit:
            raise ValueError(
                f"{type(self).__name__} on {n_items} items takes {_BYTES * n_items**2 / 1e9:.0f} GB, its limit is "
                f"{self.limit} items: prepare the domain with a larger --core, or raise limit where memory allows"
            )
        self.register_buffer("together", torch.zeros(0, 0), persistent=False)
        self.register_buffer("weight", torch.zeros(n_items + 1, n_items + 1))

    @abstractmethod
    def weigh(self, together_II: Tensor) -> Tensor:
        """Weights ``(I+1, I+1)``, row i of what speaks for item i, of how many users had two items, float64.

        The diagonal tells how many had an item; row and column 0 are 0. May be overwritten.
        """

    def reset(self) -> None:
        """See ``ClosedForm``."""
        self.together = torch.zeros_like(self.weight)

    def count(self, items_BL: Tensor) -> None:
        """See ``ClosedForm``."""
        assert len(self.together), "reset comes first"
        rows_B1 = torch.arange(len(items_BL), device=items_BL.device).unsqueeze(1)
        ids_C, place_BL = torch.unique(items_BL, return_inverse=True)
        had_BC = self.together.new_zeros(len(items_BL), len(ids_C))
        had_BC[rows_B1, place_BL] = (items_BL > 0).to(had_BC.dtype)
        with torch.autocast(items_BL.device.type, enabled=False):  # float32 holds whole numbers up to 2²⁴ users
            self.together[ids_C.unsqueeze(1), ids_C] += had_BC.T @ had_BC

    def solve(self) -> None:
        """See ``ClosedForm``."""
        self.weight.copy_(self.weigh(self.together.double()))
        self.together = torch.zeros(0, 0)

    @property
    def width(self) -> int:
        """I + 1."""
        return len(self.weight)

    def follow(self, user_Bd: Tensor, items_B: Tensor) -> Tensor:
        """See ``ClosedForm``."""
        return (self.decay * user_Bd).scatter_(1, items_B.unsqueeze(1), 1.0)

    def item_vectors(self, ids: Tensor | None = None) -> Tensor:
        """``(I+1, I+1)``; see ``SequenceModel.item_vectors``."""
        return look_up(self.weight, ids)
