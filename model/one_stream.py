"""What causal systems of one stream share: a vector an item, looked up on the way in and matched on the way out.

Shapes: B batch, L positions, d hidden, I items (row 0 padding).
"""

from abc import abstractmethod
from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from model.from_table import FromTable
from model.last_position import LastPosition
from model.layers.adaptor import Adaptor
from model.layers.dropout import Dropout
from model.layers.item_vectors import ItemVectors
from model.layers.sizes import check_sizes, check_temperature
from model.modalities import Modalities, check_modalities, chosen
from model.state import Carry


class OneStream(FromTable, LastPosition):
    """One embedding an item; a subclass mixes the positions of ``LayerNorm(dropout(E[items]))`` causally.

    A score is ``u·E[i] / temperature``: no normalisation, unless asked for.

    Args:
        modalities: whose content an item's embedding adds up; none is ids alone.
        ids: learn a row an item.
        hidden: d.
        dropout: share of entries dropped, everywhere.
        temperature: divides every score.
        adaptor: of the content: a ``linear`` map, or a mixture of whitening ``experts``.
        normalise: match with item vectors of length 1.
        norm_eps: of every norm.
        sparse_ids: give the learned rows sparse gradients, so that with the in-batch loss and an optimizer of
            ``trainer.optimizers`` a step costs nothing for items that are not in its batch.

    Raises:
        ValueError: neither modalities nor ids, a modality twice or not known, a temperature that is not positive,
            or a size below 1.
    """

    item_bound: tuple[str, ...] = ("items.ids",)

    def __init__(
        self,
        modalities: Modalities,
        ids: bool,
        hidden: int,
        dropout: float,
        temperature: float,
        adaptor: Adaptor,
        normalise: bool = False,
        norm_eps: float = 1e-12,
        sparse_ids: bool = False,
    ) -> None:
        super().__init__()
        check_sizes(hidden=hidden)
        if modalities:
            check_modalities(modalities)
        elif not ids:
            raise ValueError("without modalities and without ids all items are alike: give either")
        check_temperature(temperature)
        self.modalities, self.ids, self.hidden, self.sparse_ids = tuple(modalities), ids, hidden, sparse_ids
        self.temperature, self.normalise = temperature, normalise
        self.adaptor: Adaptor = adaptor
        self.norm = nn.LayerNorm(hidden, norm_eps)
        self.dropout = Dropout(dropout)

    @abstractmethod
    def mix(self, x_BLd: Tensor, timestamps_BL: Tensor, carry: Carry | None) -> Tensor:
        """User vectors ``(B, L, d)`` of embedded items, causally; ``carry`` as in ``positions``."""

    def bind(self, n_items: int, features: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> None:
        """Build the item table; see ``SequenceModel.bind``."""
        kept = chosen(self.modalities, features)
        self.items = ItemVectors(n_items, kept, present, self.hidden, self.ids, self.adaptor, self.sparse_ids)

    def positions(self, items_BL: Tensor, timestamps_BL: Tensor, carry: Carry | None = None) -> Tensor:
        """User vectors ``(B, L, d)``; see ``CausalModel.positions``."""
        return self.mix(self.norm(self.dropout(self.items(items_BL))), timestamps_BL, carry)

    def item_vectors(self, ids: Tensor | None = None) -> Tensor:
        """Item vectors; see ``SequenceModel.item_vectors``."""
        embedded = super().item_vectors(ids)
        return (F.normalize(embedded, dim=-1) if self.normalise else embedded) / self.temperature
