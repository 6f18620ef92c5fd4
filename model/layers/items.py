"""Items as vectors: projected features, known-missing content, an optional learned row an item.

Shapes: I items (row 0 padding), F feature width, d hidden, M modalities.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Fusion = Literal["static", "dynamic_shared", "dynamic_instance"]


class ModalityTable(nn.Module):
    """One modality's item embeddings ``E = W·feature + b`` (MODELS §1.1), plus a learned row an item.

    An item without this content gets a learned vector in place of the projection.

    Args:
        features: ``(I, F)``, without the padding row.
        present: ``(I,)``, False where the content is missing.
        hidden: d.
        id_bias: learn a row an item.
    """

    features: Tensor
    present: Tensor

    def __init__(self, features: Tensor, present: Tensor, hidden: int, id_bias: bool) -> None:
        super().__init__()
        # Non-persistent: a checkpoint holds no feature tables. The padding row counts as present.
        self.register_buffer("features", F.pad(features.float(), (0, 0, 1, 0)), persistent=False)
        self.register_buffer("present", F.pad(present.bool(), (1, 0), value=True), persistent=False)
        self.adapter = nn.Linear(features.shape[1], hidden)
        self.missing = nn.Parameter(torch.empty(hidden).normal_(std=0.02))
        self.id_bias = nn.Parameter(torch.empty(len(features) + 1, hidden).normal_(std=0.02)) if id_bias else None

    def forward(self, ids: Tensor | None = None) -> Tensor:
        """Embeddings of ``ids`` (any shape), or of all items ``(I+1, d)``."""
        if ids is not None and ids.numel() > len(self.features):  # project each item once, then gather
            return F.embedding(ids, self())
        pick = slice(None) if ids is None else ids
        projected = self.adapter(self.features[pick])
        embedded = torch.where(self.present[pick].unsqueeze(-1), projected, self.missing.to(projected.dtype))
        return embedded if self.id_bias is None else embedded + self.id_bias[pick]


class ItemTable(nn.Module):
    """All modalities' tables and the weights that fuse them into one vector an item (MODELS §1.9).

    ``Σ_m w_m·Ê_m / temperature`` with Ê the L2 normalisation: a score stays one matmul in every fusion.

    Args:
        features: per modality ``(I, F)``.
        present: per modality ``(I,)``.
        hidden: d.
        id_bias: learn a row an item and modality.
        fusion: ``static`` (weights 1), ``dynamic_shared`` (softmax of M numbers), ``dynamic_instance`` (per item).
        temperature: divides every score.
    """

    def __init__(
        self,
        features: Mapping[str, Tensor],
        present: Mapping[str, Tensor],
        hidden: int,
        id_bias: bool,
        fusion: Fusion,
        temperature: float,
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.tables = nn.ModuleDict(
            {name: ModalityTable(features[name], present[name], hidden, id_bias) for name in features}
        )
        rows = (len(next(iter(features.values()))) + 1,) if fusion == "dynamic_instance" else ()
        learned = fusion != "static" and len(features) > 1
        self.fusion = nn.Parameter(torch.zeros(*rows, len(features))) if learned else None

    def embed(self, modality: str, ids: Tensor) -> Tensor:
        """``E_m[ids]``, one row an id."""
        out: Tensor = self.tables[modality](ids)
        return out

    def forward(self, ids: Tensor | None = None) -> Tensor:
        """Item vectors ``(I+1, d)``, or ``(len(ids), d)``."""
        embedded = [F.normalize(table(ids), dim=-1) for table in self.tables.values()]
        return self._weigh(embedded, ids) / self.temperature

    def _weigh(self, embedded: Sequence[Tensor], ids: Tensor | None) -> Tensor:
        if self.fusion is None:
            return torch.stack(list(embedded)).sum(dim=0)
        logits = self.fusion if ids is None or self.fusion.dim() == 1 else self.fusion[ids]
        weights = logits.softmax(dim=-1)
        return sum((weights[..., m, None] * e for m, e in enumerate(embedded)), embedded[0].new_zeros(()))
