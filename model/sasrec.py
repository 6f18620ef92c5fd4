"""SASRec (Kang & McAuley, arXiv 1808.09781): self-attention over the items of a history.

Shapes: B batch, L positions, d hidden, H heads, W window.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.adaptor import Adaptor
from model.layers.attention import WindowAttention
from model.layers.dropout import Dropout
from model.layers.sizes import check_sizes
from model.layers.stack import Stack
from model.modalities import Modalities
from model.one_stream import OneStream
from model.state import Carry


class SASRec(OneStream):
    """Blocks of causal attention and a feed-forward network, normed before and added after.

    A position is known by its age, not by its number (see ``WindowAttention``), so that the state is the last
    ``window - 1`` keys and values of each layer, and training at every position, serving and evaluation agree. With
    ``trainer.losses.FullCatalogue`` it is trained with cross-entropy over the catalogue, which beats the published
    binary loss. Without ids and with modalities it is its text-feature version.

    Args:
        modalities: see ``OneStream``; none, as published, is ids alone.
        ids: see ``OneStream``.
        hidden: d.
        inner: width inside the feed-forward blocks.
        layers: how many.
        heads: H.
        window: W, how many events each layer sees.
        dropout: share of entries dropped, everywhere.
        temperature: divides every score.
        adaptor: see ``OneStream``.
        normalise: see ``OneStream``.
        norm_eps: of every norm.
        sparse_ids: see ``OneStream``.

    Raises:
        ValueError: see ``OneStream``; heads that do not divide d.
    """

    def __init__(
        self,
        modalities: Modalities = (),
        ids: bool = True,
        hidden: int = 64,
        inner: int = 64,
        layers: int = 2,
        heads: int = 2,
        window: int = 50,
        dropout: float = 0.2,
        temperature: float = 1.0,
        adaptor: Adaptor = "linear",
        normalise: bool = False,
        norm_eps: float = 1e-12,
        sparse_ids: bool = False,
    ) -> None:
        super().__init__(modalities, ids, hidden, dropout, temperature, adaptor, normalise, norm_eps, sparse_ids)
        check_sizes(inner=inner, layers=layers)
        self.layers = Stack(SASRecBlock(hidden, inner, heads, window, dropout, norm_eps) for _ in range(layers))
        self.out_norm = nn.LayerNorm(hidden, norm_eps)

    def mix(self, x_BLd: Tensor, timestamps_BL: Tensor, carry: Carry | None) -> Tensor:
        """See ``OneStream.mix``; timestamps are not used."""
        out: Tensor = self.out_norm(self.layers(x_BLd, carry=carry and carry.of("layers")))
        return out


class SASRecBlock(nn.Module):
    """``x + dropout(attention(LN(x)))``, then ``x + dropout(FFN(LN(x)))``, the FFN ``W₂·ReLU(W₁·x)`` (its §III.B).

    Args:
        hidden: d.
        inner: width inside the FFN.
        heads: H.
        window: W.
        dropout: share of entries dropped.
        eps: of the norms.
    """

    def __init__(self, hidden: int, inner: int, heads: int, window: int, dropout: float, eps: float) -> None:
        super().__init__()
        self.attention = WindowAttention(hidden, heads, window, dropout)
        self.attention_norm, self.ffn_norm = nn.LayerNorm(hidden, eps), nn.LayerNorm(hidden, eps)
        self.widen, self.narrow = nn.Linear(hidden, inner), nn.Linear(inner, hidden)
        self.dropout = Dropout(dropout)

    def forward(self, x_BLd: Tensor, carry: Carry | None = None) -> Tensor:
        """``(B, L, d)`` to the same."""
        x_BLd = x_BLd + self.dropout(self.attention(self.attention_norm(x_BLd), carry))
        inner = self.dropout(F.relu(self.widen(self.ffn_norm(x_BLd))))
        out: Tensor = x_BLd + self.dropout(self.narrow(inner))
        return out
