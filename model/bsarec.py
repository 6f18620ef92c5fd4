"""BSARec (Shin et al., arXiv 2312.10325) made causal: attention beside a filter that weighs slow against fast.

Shapes: B batch, L positions, d hidden, H heads, W window.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.adaptor import Adaptor
from model.layers.attention import WindowAttention
from model.layers.dropout import Dropout
from model.layers.ffn import FeedForward
from model.layers.low_pass import LowPass
from model.layers.sizes import check_sizes
from model.layers.stack import Stack
from model.modalities import Modalities
from model.one_stream import OneStream
from model.state import Carry


class BSARec(OneStream):
    """``α·frequency(x) + (1 - α)·attention(x)``, then a feed-forward block; the fast part is ``x`` less the slow one.

    As published, slow is what lies below a cut-off bin of the Fourier transform of the whole window, so that every
    position sees all later ones. Here it is a causal low-pass filter with a learned cut-off a channel (``LowPass``):
    any length, a user vector after every event, and a state of fixed size. Positions are known by their age, as in
    ``model.SASRec``. The rest is the paper's: ``slow + β² ⊙ fast`` with β learned a channel, α given.

    Args:
        modalities: see ``OneStream``; none, as published, is ids alone.
        ids: see ``OneStream``.
        hidden: d.
        inner: width inside the feed-forward blocks.
        layers: how many.
        heads: H.
        window: W, how many events the attention of each layer sees.
        alpha: share of the filter, from 0 to 1.
        dropout: share of entries dropped, everywhere.
        temperature: divides every score.
        adaptor: see ``OneStream``.
        normalise: see ``OneStream``.
        norm_eps: of every norm.
        sparse_ids: see ``OneStream``.

    Raises:
        ValueError: see ``OneStream``; heads that do not divide d, or an alpha outside 0 to 1.
    """

    def __init__(
        self,
        modalities: Modalities = (),
        ids: bool = True,
        hidden: int = 64,
        inner: int = 256,
        layers: int = 2,
        heads: int = 2,
        window: int = 50,
        alpha: float = 0.7,
        dropout: float = 0.2,
        temperature: float = 1.0,
        adaptor: Adaptor = "linear",
        normalise: bool = False,
        norm_eps: float = 1e-12,
        sparse_ids: bool = False,
    ) -> None:
        super().__init__(modalities, ids, hidden, dropout, temperature, adaptor, normalise, norm_eps, sparse_ids)
        check_sizes(inner=inner, layers=layers)
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha = {alpha}: it is the share of the filter; give a number from 0 to 1")
        self.layers = Stack(BSARecLayer(hidden, inner, heads, window, alpha, dropout, norm_eps) for _ in range(layers))

    def mix(self, x_BLd: Tensor, timestamps_BL: Tensor, carry: Carry | None) -> Tensor:
        """See ``OneStream.mix``; timestamps are not used."""
        out: Tensor = self.layers(x_BLd, carry=carry and carry.of("layers"))
        return out


class FrequencyRescaler(nn.Module):
    """``LayerNorm(dropout(slow + β² ⊙ fast) + x)``.

    Args:
        hidden: d.
        dropout: share of entries dropped.
        eps: of the norm.
    """

    def __init__(self, hidden: int, dropout: float, eps: float) -> None:
        super().__init__()
        self.slow = LowPass(hidden)
        self.beta = nn.Parameter(torch.randn(hidden))
        self.norm = nn.LayerNorm(hidden, eps)
        self.dropout = Dropout(dropout)

    def forward(self, x_BLd: Tensor, carry: Carry | None = None) -> Tensor:
        """``(B, L, d)`` to the same."""
        slow_BLd = self.slow(x_BLd, carry)
        out: Tensor = self.norm(self.dropout(slow_BLd + self.beta.square() * (x_BLd - slow_BLd)) + x_BLd)
        return out


class BSARecLayer(nn.Module):
    """One layer; the arguments as of ``BSARec``, ``eps`` of the norms."""

    def __init__(
        self, hidden: int, inner: int, heads: int, window: int, alpha: float, dropout: float, eps: float
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.rescaler = FrequencyRescaler(hidden, dropout, eps)
        self.attention = WindowAttention(hidden, heads, window, dropout)
        self.norm = nn.LayerNorm(hidden, eps)
        self.ffn = FeedForward(hidden, inner, dropout, eps, activation=F.gelu)
        self.dropout = Dropout(dropout)

    def forward(self, x_BLd: Tensor, carry: Carry | None = None) -> Tensor:
        """``(B, L, d)`` to the same."""
        filtered_BLd = self.rescaler(x_BLd, carry)
        attended_BLd = self.norm(self.dropout(self.attention(x_BLd, carry)) + x_BLd)
        out: Tensor = self.ffn(self.alpha * filtered_BLd + (1 - self.alpha) * attended_BLd)
        return out
