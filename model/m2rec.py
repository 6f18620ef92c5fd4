"""M2Rec: what a history's items mean, how they follow each other, and what recurs in them (MODELS §4), causal.

Shapes: B batch, L positions, d hidden, I items (row 0 padding).
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.from_table import FromTable
from model.last_position import LastPosition
from model.layers.content_and_ids import ContentAndIds
from model.layers.dropout import Dropout
from model.layers.feature_gate import FeatureGate
from model.layers.ffn import FeedForward
from model.layers.long_filter import LongFilter
from model.layers.multi_scale import MultiScaleMamba
from model.layers.sizes import check_sizes
from model.layers.stack import Stack
from model.modalities import Modalities, check_modalities, chosen
from model.state import Carry

_SCALES, _ONE_SCALE = (3, 5, 7), (4,)


class M2Rec(FromTable, LastPosition):
    """A multi-scale Mamba, a long filter and the items' content side by side, weighed by a gate at every position.

    An item's vector is its id's row and its projected content; a score is user times item. The content that the
    layers see is that same projection.

    Args:
        modalities: whose content; ``text``, as in the paper, ``image`` or both.
        hidden: d.
        layers: how many.
        state: N of the selective scan, a channel.
        expand: inner width of the Mamba over d.
        oscillations: of each channel's long filter.
        groups: of channels, which the gate weighs apart.
        dropout: share of entries dropped, everywhere.
        ids: learn a row an item; without them nothing in the model is bound to a catalogue.
        fourier: keep the long filter.
        multi_scale: convolutions of 3, 5 and 7 positions; one of 4, as in Mamba, without.
        semantic: let the layers see the content beside what they make of the history.
        gate: weigh by the input; without, the mean.
        norm_eps: of every norm.

    Raises:
        ValueError: sizes below 1, groups that do not divide d, or wrong modalities.
    """

    item_bound = ("items.ids",)

    def __init__(
        self,
        modalities: Modalities = ("text",),
        hidden: int = 64,
        layers: int = 2,
        state: int = 32,
        expand: int = 2,
        oscillations: int = 4,
        groups: int = 8,
        dropout: float = 0.2,
        ids: bool = True,
        fourier: bool = True,
        multi_scale: bool = True,
        semantic: bool = True,
        gate: bool = True,
        norm_eps: float = 1e-12,
    ) -> None:
        super().__init__()
        check_modalities(modalities)
        check_sizes(hidden=hidden, layers=layers, oscillations=oscillations)
        self.modalities, self.hidden, self.ids = tuple(modalities), hidden, ids
        self.norm = nn.LayerNorm(hidden, norm_eps)
        self.semantic_norm = nn.LayerNorm(hidden, norm_eps) if semantic else None
        self.dropout = Dropout(dropout)
        features = 1 + fourier + semantic
        self.layers = Stack(
            M2RecLayer(
                MultiScaleMamba(hidden, state, _SCALES if multi_scale else _ONE_SCALE, expand),
                LongFilter(hidden, oscillations) if fourier else None,
                FeatureGate(features, hidden, groups) if gate and features > 1 else None,
                hidden,
                dropout,
                norm_eps,
            )
            for _ in range(layers)
        )

    def bind(self, n_items: int, features: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> None:
        """Build the item table; see ``SequenceModel.bind``."""
        self.items = ContentAndIds(n_items, chosen(self.modalities, features), present, self.hidden, self.ids)

    def positions(self, items_BL: Tensor, timestamps_BL: Tensor, carry: Carry | None = None) -> Tensor:
        """User vectors ``(B, L, d)``; timestamps are not read. See ``CausalModel.positions``."""
        x_BLd: Tensor = self.norm(self.dropout(self.items(items_BL)))
        content_BLd = None
        if self.semantic_norm is not None:
            content_BLd = self.semantic_norm(self.dropout(self.items.embed("content", items_BL)))
        out: Tensor = self.layers(x_BLd, content_BLd, carry=carry and carry.of("layers"))
        return out


class M2RecLayer(nn.Module):
    """``h = LayerNorm(dropout(gate(temporal, frequency, semantic)) + x)``, then ``FFN(h)``.

    Args:
        temporal: of the history so far.
        fourier: what recurs in it; may be left out.
        gate: of the features; None takes their mean.
        hidden: d.
        dropout: share of entries dropped.
        eps: of the norms.
    """

    def __init__(
        self,
        temporal: MultiScaleMamba,
        fourier: LongFilter | None,
        gate: FeatureGate | None,
        hidden: int,
        dropout: float,
        eps: float,
    ) -> None:
        super().__init__()
        self.temporal, self.fourier, self.gate = temporal, fourier, gate
        self.norm = nn.LayerNorm(hidden, eps)
        self.ffn = FeedForward(hidden, 4 * hidden, dropout, eps, activation=F.gelu)
        self.dropout = Dropout(dropout)

    def forward(self, x_BLd: Tensor, content_BLd: Tensor | None, carry: Carry | None = None) -> Tensor:
        """``(B, L, d)`` to the same; ``content`` is the semantic feature, where there is one."""
        features = [self.temporal(x_BLd, carry and carry.of("temporal"))]
        if self.fourier is not None:
            features.append(self.fourier(x_BLd, carry and carry.of("fourier")))
        if content_BLd is not None:
            features.append(content_BLd)
        fused_BLd = torch.stack(features).mean(dim=0) if self.gate is None else self.gate(features)
        out: Tensor = self.ffn(self.norm(self.dropout(fused_BLd) + x_BLd))
        return out
