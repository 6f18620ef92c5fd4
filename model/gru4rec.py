"""GRU4Rec (Hidasi et al., arXiv 1511.06939): a recurrent network over the items of a session.

Shapes: B batch, L positions, d hidden, H recurrent width.
"""

from torch import Tensor, nn

from model.layers.adaptor import Adaptor
from model.layers.sizes import check_sizes
from model.modalities import Modalities
from model.one_stream import OneStream
from model.ops.last import last_positions, take
from model.state import Carry


class GRU4Rec(OneStream):
    """Gated recurrent units, then a linear map back to the items' space.

    Trained with this project's losses in place of the paper's ranking losses, as its authors' later work and all
    comparisons since do. Its state is the hidden vector of each layer.

    Args:
        modalities: see ``OneStream``; none, as published, is ids alone.
        ids: see ``OneStream``.
        hidden: d.
        inner: H.
        layers: how many.
        dropout: share of entries dropped, of the embeddings and between layers.
        temperature: divides every score.
        adaptor: see ``OneStream``.
        normalise: see ``OneStream``.
        sparse_ids: see ``OneStream``.

    Raises:
        ValueError: see ``OneStream``.
    """

    def __init__(
        self,
        modalities: Modalities = (),
        ids: bool = True,
        hidden: int = 64,
        inner: int = 128,
        layers: int = 1,
        dropout: float = 0.2,
        temperature: float = 1.0,
        adaptor: Adaptor = "linear",
        normalise: bool = False,
        sparse_ids: bool = False,
    ) -> None:
        super().__init__(modalities, ids, hidden, dropout, temperature, adaptor, normalise, sparse_ids=sparse_ids)
        check_sizes(inner=inner, layers=layers)
        self.inner = inner
        widths = [hidden, *[inner] * (layers - 1)]
        self.layers = nn.ModuleList(nn.GRU(width, inner, batch_first=True) for width in widths)
        self.out = nn.Linear(inner, hidden)

    def mix(self, x_BLd: Tensor, timestamps_BL: Tensor, carry: Carry | None) -> Tensor:
        """See ``OneStream.mix``; timestamps are not used."""
        x_BLH = x_BLd
        for number, gru in enumerate(self.layers):
            x_BLH = self._run(gru, self.dropout(x_BLH) if number else x_BLH, carry and carry.of(f"layers.{number}"))
        out: Tensor = self.out(x_BLH)
        return out

    def _run(self, gru: nn.Module, x_BLH: Tensor, carry: Carry | None) -> Tensor:
        if carry is None:
            every_BLH: Tensor = gru(x_BLH)[0]
            return every_BLH
        before_BH = carry.take("hidden", (self.inner,), x_BLH)
        every_BLH = gru(x_BLH, before_BH.unsqueeze(0).contiguous())[0]
        last_BH = take(every_BLH, last_positions(carry.lengths_B, 1)).squeeze(1)
        carry.give("hidden", last_BH.where(carry.lengths_B.unsqueeze(1) > 0, before_BH))
        return every_BLH
