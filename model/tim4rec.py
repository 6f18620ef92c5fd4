"""TiM4Rec (Fan et al., arXiv 2409.16182): a state space whose forgetting follows the time between events.

Shapes: B batch, L positions, d hidden, H heads, P head dim, G groups, N state, K kernel, F features of a gap.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.adaptor import Adaptor
from model.layers.dropout import Dropout
from model.layers.ffn import FeedForward
from model.layers.gaps import GapEncoding
from model.layers.sizes import check_sizes
from model.layers.ssd import SSDSizes, TiSSD
from model.layers.stack import Stack
from model.modalities import Modalities
from model.one_stream import OneStream
from model.state import Carry


class TiM4Rec(OneStream):
    """SSD blocks whose step sizes the gaps between events scale, each with a feed-forward network.

    The paper's idea, in this project's parts: the gap before each event, from seconds to years (``GapEncoding``,
    where the paper norms raw differences over a window of fixed length), becomes a factor of dt of every head.

    Args:
        modalities: see ``OneStream``; none, as published, is ids alone.
        ids: see ``OneStream``.
        hidden: d.
        layers: how many.
        state: N.
        head_dim: P.
        groups: G, 1 or the number of heads.
        kernel: K.
        expand: inner width of a block over d.
        time: use timestamps; without, it is a Mamba-2 recommender.
        time_width: width of the network from gaps to factors.
        dropout: share of entries dropped, everywhere.
        temperature: divides every score.
        adaptor: see ``OneStream``.
        normalise: see ``OneStream``.
        norm_eps: of every norm.
        sparse_ids: see ``OneStream``.

    Raises:
        ValueError: see ``OneStream`` and ``SSDSizes``.
    """

    def __init__(
        self,
        modalities: Modalities = (),
        ids: bool = True,
        hidden: int = 64,
        layers: int = 1,
        state: int = 32,
        head_dim: int = 16,
        groups: int = 1,
        kernel: int = 4,
        expand: int = 2,
        time: bool = True,
        time_width: int = 32,
        dropout: float = 0.2,
        temperature: float = 1.0,
        adaptor: Adaptor = "linear",
        normalise: bool = False,
        norm_eps: float = 1e-12,
        sparse_ids: bool = False,
    ) -> None:
        super().__init__(modalities, ids, hidden, dropout, temperature, adaptor, normalise, norm_eps, sparse_ids)
        check_sizes(layers=layers, time_width=time_width)
        sizes = SSDSizes(hidden, expand, head_dim, groups, state, kernel, "plain", "scale", norm_eps)
        self.gaps = GapEncoding() if time else None
        factors = (self.gaps.features, time_width) if self.gaps is not None else None
        self.layers = Stack(TimedLayer(sizes, factors, dropout) for _ in range(layers))

    def mix(self, x_BLd: Tensor, timestamps_BL: Tensor, carry: Carry | None) -> Tensor:
        """See ``OneStream.mix``."""
        gaps_BLF = None if self.gaps is None else self.gaps(timestamps_BL, carry and carry.of("gaps"))
        out: Tensor = self.layers(x_BLd, gaps_BLF, carry=carry and carry.of("layers"))
        return out


class TimedLayer(nn.Module):
    """``h = LayerNorm(dropout(SSD(x, s)) + x)`` with ``s = 1 + W₂·SiLU(W₁·gaps)``, then ``FFN(h)`` with GELU.

    Args:
        sizes: of the block; its time is ``scale``.
        factors: F and the inner width of s; None leaves s out.
        dropout: share of entries dropped.
    """

    def __init__(self, sizes: SSDSizes, factors: tuple[int, int] | None, dropout: float) -> None:
        super().__init__()
        self.widen = nn.Linear(*factors) if factors else None
        self.to_heads = nn.Linear(factors[1], sizes.heads) if factors else None
        self.ssd = TiSSD(sizes)
        self.norm = nn.LayerNorm(sizes.hidden, sizes.norm_eps)
        self.ffn = FeedForward(sizes.hidden, 4 * sizes.hidden, dropout, sizes.norm_eps, activation=F.gelu)
        self.dropout = Dropout(dropout)

    def forward(self, x_BLd: Tensor, gaps_BLF: Tensor | None, carry: Carry | None = None) -> Tensor:
        """``(B, L, d)`` to the same."""
        mixed_BLd = self.ssd(x_BLd, self._factors(gaps_BLF), carry=carry)
        out: Tensor = self.ffn(self.norm(self.dropout(mixed_BLd) + x_BLd))
        return out

    def _factors(self, gaps_BLF: Tensor | None) -> Tensor | None:
        """``(B, L, H)``."""
        if gaps_BLF is None:
            return None
        assert self.widen is not None and self.to_heads is not None
        s_BLH: Tensor = 1 + self.to_heads(F.silu(self.widen(gaps_BLF)))
        return s_BLH
