"""HM4SR after its paper's idea (Zhang et al., WWW 2025): experts gated by all modalities, then experts gated by time.

Shapes: B batch, L positions, d width of a stream, S streams, I items (row 0 padding), T width of the time signal.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from model.from_table import FromTable
from model.last_position import LastPosition
from model.layers.dropout import Dropout
from model.layers.gaps import GapEncoding
from model.layers.gated_experts import GatedExperts
from model.layers.sizes import check_sizes, check_temperature
from model.layers.stack import Stack
from model.layers.stream_items import IDS, StreamItems
from model.modalities import Modalities, check_modalities, chosen
from model.sasrec import SASRecBlock
from model.state import Carry


class HM4SR(FromTable, LastPosition):
    """A stream for the ids and one for each content; experts choose what of an item counts, and when; then attention.

    Its first level draws from each stream what speaks of interest, its gate reading all streams of the item; the second
    does so by the gap before the event and its place in day and week. Each stream has a transformer of its own (the
    blocks of ``model.SASRec``), and scores add up over streams.

    What the paper adds and this does not have: its auxiliary losses (contrastive ones, and categories predicted from
    ids). Where the paper was not at hand in detail (form of the experts, how their output joins the stream, how content
    is projected) the plainest form stands here: linear experts, added to the stream and normed; ``StreamItems``.

    Args:
        modalities: ``text``, ``image`` or both: a stream each.
        ids: keep the stream of ids; without it, nothing in the model is bound to a catalogue.
        hidden: d, of one stream.
        inner: width inside the feed-forward blocks.
        layers: of each transformer.
        heads: of the attention.
        window: how many events each layer sees.
        experts: of each level and stream.
        time: keep the second level.
        time_width: T.
        dropout: share of entries dropped, everywhere.
        temperature: divides every score.
        norm_eps: of every norm.

    Raises:
        ValueError: sizes below 1, heads that do not divide d, wrong modalities, or a temperature that is not positive.
    """

    item_bound = (f"items.tables.{IDS}",)
    items: StreamItems

    def __init__(
        self,
        modalities: Modalities = ("text", "image"),
        ids: bool = True,
        hidden: int = 64,
        inner: int = 64,
        layers: int = 2,
        heads: int = 2,
        window: int = 50,
        experts: int = 4,
        time: bool = True,
        time_width: int = 32,
        dropout: float = 0.2,
        temperature: float = 1.0,
        norm_eps: float = 1e-12,
    ) -> None:
        super().__init__()
        check_modalities(modalities)
        check_sizes(hidden=hidden, inner=inner, layers=layers, experts=experts, time_width=time_width)
        check_temperature(temperature)
        self.modalities, self.ids, self.hidden, self.temperature = tuple(modalities), ids, hidden, temperature
        streams = (*modalities, *((IDS,) if ids else ()))
        self.norms = nn.ModuleDict({name: nn.LayerNorm(hidden, norm_eps) for name in streams})
        self.dropout = Dropout(dropout)
        self.interest = ExpertLevel(streams, hidden, len(streams) * hidden, experts, dropout, norm_eps)
        self.gaps = GapEncoding(periodic=True) if time else None
        if self.gaps is not None:
            self.to_time = nn.Sequential(nn.Linear(self.gaps.features, time_width), nn.SiLU())
            self.moment = ExpertLevel(streams, hidden, time_width, experts, dropout, norm_eps)
        self.encoders = nn.ModuleDict(
            {
                name: Stack(SASRecBlock(hidden, inner, heads, window, dropout, norm_eps) for _ in range(layers))
                for name in streams
            }
        )
        self.out_norms = nn.ModuleDict({name: nn.LayerNorm(hidden, norm_eps) for name in streams})

    def bind(self, n_items: int, features: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> None:
        """Build the item table; see ``SequenceModel.bind``."""
        self.items = StreamItems(n_items, chosen(self.modalities, features), present, self.hidden, self.ids)

    def positions(self, items_BL: Tensor, timestamps_BL: Tensor, carry: Carry | None = None) -> Tensor:
        """User vectors ``(B, L, S·d)``; see ``CausalModel.positions``."""
        streams = {name: norm(self.dropout(self.items.embed(name, items_BL))) for name, norm in self.norms.items()}
        streams = self.interest(streams, torch.cat(list(streams.values()), dim=-1))
        if self.gaps is not None:
            streams = self.moment(streams, self.to_time(self.gaps(timestamps_BL, carry and carry.of("gaps"))))
        return self.items.join({name: self._encode(name, x_BLd, carry) for name, x_BLd in streams.items()})

    def _encode(self, name: str, x_BLd: Tensor, carry: Carry | None) -> Tensor:
        """One stream through its transformer."""
        out: Tensor = self.out_norms[name](self.encoders[name](x_BLd, carry=carry and carry.of(name)))
        return out

    def item_vectors(self, ids: Tensor | None = None) -> Tensor:
        """Item vectors; see ``SequenceModel.item_vectors``."""
        return super().item_vectors(ids) / self.temperature


class ExpertLevel(nn.Module):
    """``LayerNorm(x_m + dropout(experts_m(x_m, g)))`` for each stream, all gates reading the same g.

    Args:
        streams: their names.
        width: d.
        gate: width of g.
        experts: of each stream.
        dropout: share of entries dropped.
        eps: of the norms.
    """

    def __init__(
        self, streams: tuple[str, ...], width: int, gate: int, experts: int, dropout: float, eps: float
    ) -> None:
        super().__init__()
        self.experts = nn.ModuleDict({name: GatedExperts(width, gate, experts) for name in streams})
        self.norms = nn.ModuleDict({name: nn.LayerNorm(width, eps) for name in streams})
        self.dropout = Dropout(dropout)

    def forward(self, streams: Mapping[str, Tensor], g_BLG: Tensor) -> dict[str, Tensor]:
        """Streams ``(B, L, d)`` by name to the same."""
        drawn = {name: self.dropout(self.experts[name](x_BLd, g_BLG)) for name, x_BLd in streams.items()}
        return {name: self.norms[name](x_BLd + drawn[name]) for name, x_BLd in streams.items()}
