"""Items in parts, one a stream: each content through a small network of its own, and a learned row (MODELS §3).

Shapes: I items (row 0 padding), F feature width, d width of a part, S parts.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from model.layers.content_table import ContentTable
from model.layers.look_up import look_up
from model.layers.shared_rows import SharedRows

#: The name of the learned rows' part, the last.
IDS = "ids"


class Rows(nn.Module):
    """A learned row an item.

    Args:
        n_items: I.
        hidden: d.
    """

    def __init__(self, n_items: int, hidden: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.empty(n_items + 1, hidden).normal_(std=0.02))

    def forward(self, ids: Tensor | None = None) -> Tensor:
        """Rows of ``ids`` (any shape), or all of them ``(I+1, d)``."""
        return look_up(self.rows, ids)


class StreamItems(SharedRows):
    """A table a stream, and the learned numbers that scale the contents where parts are joined.

    Args:
        n_items: I.
        features: per modality ``(I, F)``, without the padding row.
        present: per modality ``(I,)``.
        hidden: d.
        ids: a part of learned rows too, unscaled.
    """

    def __init__(
        self, n_items: int, features: Mapping[str, Tensor], present: Mapping[str, Tensor], hidden: int, ids: bool
    ) -> None:
        super().__init__(n_items + 1)
        self.tables = nn.ModuleDict(
            {
                name: ContentTable(table, present[name], _deep(table.shape[1], hidden), hidden)
                for name, table in features.items()
            }
            | ({IDS: Rows(n_items, hidden)} if ids else {})
        )
        self.scales = nn.ParameterDict({name: nn.Parameter(torch.ones(())) for name in features})

    @property
    def names(self) -> tuple[str, ...]:
        """The parts, in their order."""
        return tuple(self.tables)

    def compute(self, name: str, ids: Tensor | None) -> Tensor:
        """See ``SharedRows``."""
        rows: Tensor = self.tables[name](ids)
        return rows

    def join(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Parts ``(…, d)`` by name to ``(…, S·d)``: ``concat(scale_m · part_m, …, ids)``."""
        scaled = [self.scales[name] * parts[name] if name in self.scales else parts[name] for name in self.names]
        return torch.cat(scaled, dim=-1)

    def forward(self, ids: Tensor | None = None) -> Tensor:
        """Item vectors ``(I+1, S·d)``, or ``ids``' shape and S·d."""
        return self.join({name: self.embed(name, ids) for name in self.names})


def _deep(width: int, hidden: int) -> nn.Module:
    """``W_b·LeakyReLU(W_a·x)``, from ``(…, F)`` to ``(…, d)``."""
    return nn.Sequential(nn.Linear(width, hidden), nn.LeakyReLU(), nn.Linear(hidden, hidden))
