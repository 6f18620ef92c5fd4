"""Items as vectors: projected features, known-missing content, an optional learned row an item.

Shapes: I items (row 0 padding), F feature width, d hidden, M modalities.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.adaptor import Adaptor, make_adaptor
from model.layers.content_table import ContentTable
from model.layers.look_up import look_up
from model.layers.shared_rows import SharedRows

Fusion = Literal["static", "dynamic_shared", "dynamic_instance"]


class ModalityTable(ContentTable):
    """One modality's item embeddings ``E = W·feature + b`` (MODELS §1.1), plus a learned row an item.

    Args:
        features: see ``ContentTable``.
        present: see ``ContentTable``.
        adapter: see ``ContentTable``.
        hidden: d.
        id_bias: learn a row an item.
        sparse: give these rows sparse gradients.
    """

    def __init__(
        self, features: Tensor, present: Tensor, adapter: nn.Module, hidden: int, id_bias: bool, sparse: bool
    ) -> None:
        super().__init__(features, present, adapter, hidden)
        self.sparse = sparse
        self.id_bias = nn.Parameter(torch.empty(len(features) + 1, hidden).normal_(std=0.02)) if id_bias else None

    def forward(self, ids: Tensor | None = None) -> Tensor:
        """Embeddings of ``ids`` (any shape), or of all items ``(I+1, d)``."""
        content = super().forward(ids)
        return content if self.id_bias is None else content + look_up(self.id_bias, ids, self.sparse)


class ItemTable(SharedRows):
    """All modalities' tables and the weights that fuse them into one vector an item (MODELS §1.9).

    ``Σ_m w_m·Ê_m / temperature`` with Ê the L2 normalisation: a score stays one matmul in every fusion.

    Args:
        features: per modality ``(I, F)``.
        present: per modality ``(I,)``.
        hidden: d.
        id_bias: learn a row an item and modality.
        sparse: give these rows sparse gradients, for ``trainer.optimizers``.
        fusion: ``static`` (weights 1), ``dynamic_shared`` (softmax of M numbers), ``dynamic_instance`` (per item).
        temperature: divides every score.
        adaptor: of the features, see ``make_adaptor``.

    Raises:
        ValueError: an unknown adaptor.
    """

    def __init__(
        self,
        features: Mapping[str, Tensor],
        present: Mapping[str, Tensor],
        hidden: int,
        id_bias: bool,
        sparse: bool,
        fusion: Fusion,
        temperature: float,
        adaptor: Adaptor = "linear",
    ) -> None:
        super().__init__(len(next(iter(features.values()))) + 1)
        self.temperature, self.sparse = temperature, sparse
        self.tables = nn.ModuleDict(
            {
                name: ModalityTable(
                    table, present[name], make_adaptor(adaptor, table.shape[1], hidden), hidden, id_bias, sparse
                )
                for name, table in features.items()
            }
        )
        rows = (self.rows,) if fusion == "dynamic_instance" else ()
        learned = fusion != "static" and len(features) > 1
        self.fusion = nn.Parameter(torch.zeros(*rows, len(features))) if learned else None

    @property
    def names(self) -> tuple[str, ...]:
        """The modalities."""
        return tuple(self.tables)

    def compute(self, name: str, ids: Tensor | None) -> Tensor:
        """``E_m[ids]``; see ``SharedRows``."""
        embedded: Tensor = self.tables[name](ids)
        return embedded

    def forward(self, ids: Tensor | None = None) -> Tensor:
        """Item vectors ``(I+1, d)``, or ``(len(ids), d)``."""
        embedded = [F.normalize(self.embed(name, ids), dim=-1) for name in self.tables]
        return self._weigh(embedded, ids) / self.temperature

    def _weigh(self, embedded: Sequence[Tensor], ids: Tensor | None) -> Tensor:
        if self.fusion is None:
            return torch.stack(list(embedded)).sum(dim=0)
        per_item = None if self.fusion.dim() == 1 else ids
        weights = look_up(self.fusion, per_item, self.sparse).softmax(dim=-1)
        return sum((weights[..., m, None] * e for m, e in enumerate(embedded)), embedded[0].new_zeros(()))
