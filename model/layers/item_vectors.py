"""One embedding an item in one space: a learned row, adapted content, or their sum.

Shapes: I items (row 0 padding), F feature width, d hidden.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from model.layers.adaptor import Adaptor, make_adaptor
from model.layers.content_table import ContentTable
from model.layers.look_up import look_up
from model.layers.shared_rows import SharedRows


class ItemVectors(SharedRows):
    """``E[i] = id[i] + Σ_m adaptor_m(feature_m[i])``; missing content is a learned vector.

    Args:
        n_items: I.
        features: per modality ``(I, F)``, row i-1 belongs to item i; may be none.
        present: per modality ``(I,)``, False where the item has no such content.
        hidden: d.
        ids: learn a row an item.
        adaptor: of the features, see ``make_adaptor``.
        sparse: give the learned rows sparse gradients, for ``trainer.optimizers``.

    Raises:
        ValueError: neither features nor ids, or an unknown adaptor.
    """

    def __init__(
        self,
        n_items: int,
        features: Mapping[str, Tensor],
        present: Mapping[str, Tensor],
        hidden: int,
        ids: bool = True,
        adaptor: Adaptor = "linear",
        sparse: bool = False,
    ) -> None:
        super().__init__(n_items + 1)
        if not ids and not features:
            raise ValueError("items without ids and without features are all alike: give modalities, or set ids")
        self.tables = nn.ModuleDict(
            {
                name: ContentTable(table, present[name], make_adaptor(adaptor, table.shape[1], hidden), hidden)
                for name, table in features.items()
            }
        )
        self.ids = nn.Parameter(torch.empty(n_items + 1, hidden).normal_(std=0.02)) if ids else None
        self.sparse = sparse

    @property
    def names(self) -> tuple[str, ...]:
        """One table."""
        return ("items",)

    def compute(self, name: str, ids: Tensor | None) -> Tensor:
        """``E[ids]``; see ``SharedRows``."""
        rows = [] if self.ids is None else [look_up(self.ids, ids, self.sparse)]
        return add_up([*self.content(ids), *rows])

    def content(self, ids: Tensor | None) -> list[Tensor]:
        """What the content adds to ``E[ids]``: ``adaptor_m(feature_m[ids])`` of each modality."""
        return [table(ids) for table in self.tables.values()]

    def forward(self, ids: Tensor | None = None) -> Tensor:
        """``(I+1, d)``, or ``ids``' shape and d."""
        return self.embed("items", ids)


def add_up(parts: Sequence[Tensor]) -> Tensor:
    """Their sum, of one at least; one alone is not copied."""
    return torch.stack(list(parts)).sum(dim=0) if len(parts) > 1 else parts[0]
