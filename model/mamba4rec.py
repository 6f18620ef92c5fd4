"""Mamba4Rec (Liu et al., arXiv 2403.03900): selective state spaces over the items of a history.

Shapes: B batch, L positions, d hidden, N state, K kernel.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.adaptor import Adaptor
from model.layers.dropout import Dropout
from model.layers.ffn import FeedForward
from model.layers.mamba import Mamba
from model.layers.sizes import check_sizes
from model.layers.stack import Stack
from model.modalities import Modalities
from model.one_stream import OneStream
from model.state import Carry


class Mamba4Rec(OneStream):
    """Mamba blocks, each with a feed-forward network four times as wide; one layer alone has no residual.

    Its state is each layer's scan state and what its convolution sees of the past. Without ids and with modalities
    it is its text-feature version.

    Args:
        modalities: see ``OneStream``; none, as published, is ids alone.
        ids: see ``OneStream``.
        hidden: d.
        layers: how many.
        state: N.
        kernel: K.
        expand: inner width of a block over d.
        dropout: share of entries dropped, everywhere.
        temperature: divides every score.
        adaptor: see ``OneStream``.
        normalise: see ``OneStream``.
        norm_eps: of every norm.
        sparse_ids: see ``OneStream``.

    Raises:
        ValueError: see ``OneStream``.
    """

    def __init__(
        self,
        modalities: Modalities = (),
        ids: bool = True,
        hidden: int = 64,
        layers: int = 1,
        state: int = 32,
        kernel: int = 4,
        expand: int = 2,
        dropout: float = 0.2,
        temperature: float = 1.0,
        adaptor: Adaptor = "linear",
        normalise: bool = False,
        norm_eps: float = 1e-12,
        sparse_ids: bool = False,
    ) -> None:
        super().__init__(modalities, ids, hidden, dropout, temperature, adaptor, normalise, norm_eps, sparse_ids)
        check_sizes(layers=layers)
        self.layers = Stack(
            MambaLayer(Mamba(hidden, state, kernel, expand), hidden, layers > 1, dropout, norm_eps)
            for _ in range(layers)
        )

    def mix(self, x_BLd: Tensor, timestamps_BL: Tensor, carry: Carry | None) -> Tensor:
        """See ``OneStream.mix``; timestamps are not used."""
        out: Tensor = self.layers(x_BLd, carry=carry and carry.of("layers"))
        return out


class MambaLayer(nn.Module):
    """``h = LayerNorm(dropout(Mamba(x)) + x)``, then ``FFN(h)`` with GELU.

    Args:
        mamba: the block.
        hidden: d.
        residual: add the block's input.
        dropout: share of entries dropped.
        eps: of the norms.
    """

    def __init__(self, mamba: Mamba, hidden: int, residual: bool, dropout: float, eps: float) -> None:
        super().__init__()
        self.mamba, self.residual = mamba, residual
        self.norm = nn.LayerNorm(hidden, eps)
        self.ffn = FeedForward(hidden, 4 * hidden, dropout, eps, activation=F.gelu)
        self.dropout = Dropout(dropout)

    def forward(self, x_BLd: Tensor, carry: Carry | None = None) -> Tensor:
        """``(B, L, d)`` to the same."""
        h_BLd = self.dropout(self.mamba(x_BLd, carry))
        out: Tensor = self.ffn(self.norm(h_BLd + x_BLd if self.residual else h_BLd))
        return out
