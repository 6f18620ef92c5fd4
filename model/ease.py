"""EASE (Steck, arXiv 1905.03375): the linear model from a user's items to the next, in closed form."""

import torch
from torch import Tensor

from model.item_to_item import ItemToItem


class EASE(ItemToItem):
    """``B = I - P·diag(1/diag P)`` with ``P = (XᵀX + λI)⁻¹``, X which user had which item (its equation 8).

    Args:
        regularisation: λ.
        decay: see ``ItemToItem``; as published, 1.
        limit: see ``ItemToItem``.

    Raises:
        ValueError: see ``ItemToItem``; a λ that is not positive.
    """

    def __init__(self, regularisation: float = 100.0, decay: float = 1.0, limit: int = 20_000) -> None:
        super().__init__(decay, limit)
        if regularisation <= 0:
            raise ValueError(f"regularisation = {regularisation}: the counts alone need not invert; give one above 0")
        self.regularisation = regularisation

    def weigh(self, together_II: Tensor) -> Tensor:
        """``Bᵀ``."""
        together_II.diagonal().add_(self.regularisation)
        inverse_II = torch.cholesky_inverse(torch.linalg.cholesky(together_II))
        weight_II = inverse_II.div_(-inverse_II.diagonal().clone().unsqueeze(1))  # the inverse is symmetric
        return weight_II.fill_diagonal_(0.0)
