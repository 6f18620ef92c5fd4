"""ItemKNN (Deshpande & Karypis, TOIS 2004): items that the same users had."""

import torch
from torch import Tensor

from model.item_to_item import ItemToItem
from model.layers.sizes import check_sizes


class ItemKNN(ItemToItem):
    """Each item that the user had speaks for its nearest neighbours, with their cosine.

    ``cos(i, j) = both / (√(users of i · users of j) + shrink)``. Neighbours as near as the last one count too, so that
    no order among ties decides.

    Args:
        neighbours: of each item, how many speak.
        shrink: makes little of what few users had.
        decay: see ``ItemToItem``.
        limit: see ``ItemToItem``.

    Raises:
        ValueError: see ``ItemToItem``; no neighbour, or a shrink below 0.
    """

    def __init__(self, neighbours: int = 100, shrink: float = 0.0, decay: float = 1.0, limit: int = 20_000) -> None:
        super().__init__(decay, limit)
        check_sizes(neighbours=neighbours)
        if shrink < 0:
            raise ValueError(f"shrink = {shrink}: give 0 or more")
        self.neighbours, self.shrink = neighbours, shrink

    def weigh(self, together_II: Tensor) -> Tensor:
        """Cosines, in each column the largest."""
        users_I = together_II.diagonal().sqrt()
        cosine_II = together_II / (torch.outer(users_I, users_I) + self.shrink).clamp_(min=torch.finfo().tiny)
        cosine_II.fill_diagonal_(0.0)
        least_1I = cosine_II.topk(min(self.neighbours, len(cosine_II)), dim=0).values[-1:]
        return cosine_II.masked_fill_(cosine_II < least_1I, 0.0)
