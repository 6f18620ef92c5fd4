"""M3Rec: ids and contents as streams of their own through shared Mamba blocks (MODELS §3), strictly causal.

Shapes: B batch, L positions, d width of a stream, S streams, I items (row 0 padding).
"""

from collections.abc import Mapping
from typing import Literal, get_args

from torch import Tensor, nn

from model.from_table import FromTable
from model.last_position import LastPosition
from model.layers.dropout import Dropout
from model.layers.mamba import Mamba
from model.layers.shared_mamba import SharedMamba
from model.layers.sizes import check_sizes
from model.layers.stack import Stack
from model.layers.stream_items import IDS, StreamItems
from model.modalities import Modalities, check_modalities, chosen
from model.state import Carry

Form = Literal["published", "joint"]


class M3Rec(FromTable, LastPosition):
    """A stream for the ids and one for each content; all pass the same Mamba blocks, each its own experts.

    User and item vectors have a part for each stream, ``S·d`` in all, the contents' parts scaled by a learned number.

    Args:
        modalities: ``text``, ``image`` or both: a stream each.
        hidden: d, of one stream.
        layers: how many.
        state: N of the selective scan, a channel.
        kernel: K of the causal convolutions.
        expand: inner width of the Mamba blocks over d.
        dropout: share of entries dropped, everywhere.
        form: ``published`` runs the content streams through the shared blocks without gradient: the blocks learn from
            the ids alone, and what comes before a block in a content stream (its input norm, the experts of every layer
            but the last) stays as it was drawn; ``joint`` trains everything.
        router: with ``joint``, let each position of each stream weigh all experts of a layer.
        ids: keep the stream of ids; without it, nothing in the model is bound to a catalogue.
        norm_eps: of every norm.

    Raises:
        ValueError: sizes below 1, wrong modalities, an unknown form, or a router in the published form.
    """

    item_bound = (f"items.tables.{IDS}",)
    items: StreamItems

    def __init__(
        self,
        modalities: Modalities = ("text", "image"),
        hidden: int = 64,
        layers: int = 2,
        state: int = 32,
        kernel: int = 4,
        expand: int = 2,
        dropout: float = 0.5,
        form: Form = "joint",
        router: bool = False,
        ids: bool = True,
        norm_eps: float = 1e-12,
    ) -> None:
        super().__init__()
        check_modalities(modalities)
        check_sizes(hidden=hidden, layers=layers, state=state, kernel=kernel, expand=expand)
        if form not in get_args(Form):
            raise ValueError(f"form = {form!r}: give one of {', '.join(get_args(Form))}")
        if router and form == "published":
            raise ValueError("router = True, form = published: the published form has none; give form joint")
        self.modalities, self.hidden, self.ids = tuple(modalities), hidden, ids
        streams = (*modalities, *((IDS,) if ids else ()))
        self.norms = nn.ModuleDict({name: nn.LayerNorm(hidden, norm_eps) for name in streams})
        self.dropout = Dropout(dropout)
        self.layers = Stack(
            SharedMamba(
                streams,
                Mamba(hidden, state, kernel, expand),
                hidden,
                residual=layers > 1,
                detached=modalities if form == "published" else (),
                router=router,
                dropout=dropout,
                eps=norm_eps,
            )
            for _ in range(layers)
        )

    def bind(self, n_items: int, features: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> None:
        """Build the item table; see ``SequenceModel.bind``."""
        kept = chosen(self.modalities, features)
        assert all(len(table) == n_items for table in kept.values())
        self.items = StreamItems(n_items, kept, present, self.hidden, self.ids)

    def positions(self, items_BL: Tensor, timestamps_BL: Tensor, carry: Carry | None = None) -> Tensor:
        """User vectors ``(B, L, S·d)``; timestamps are not read. See ``CausalModel.positions``."""
        streams = {name: norm(self.dropout(self.items.embed(name, items_BL))) for name, norm in self.norms.items()}
        return self.items.join(self.layers(streams, carry=carry and carry.of("layers")))

    def score(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor | None = None) -> Tensor:
        """Scores ``(B, I+1)``; see ``SequenceModel.score``. Timestamps are not read."""
        return super().score(items_BL, lengths_B, items_BL if timestamps_BL is None else timestamps_BL)
