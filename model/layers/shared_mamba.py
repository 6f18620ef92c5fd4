"""A layer of M3Rec: one Mamba block over every stream, then an expert for each (MODELS §3).

Shapes: B batch, L positions, d width, E experts.
"""

from collections.abc import Collection, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.dropout import Dropout
from model.layers.ffn import FeedForward
from model.layers.mamba import Mamba
from model.state import Carry


class SharedMamba(nn.Module):
    """``h_m = LayerNorm(dropout(Mamba(x_m)) + x_m)`` with the same weights for every stream, then ``expert_m(h_m)``.

    Args:
        streams: names of the streams; each has an expert.
        mamba: the block that they share.
        width: d.
        residual: add the block's input; the system of one layer does not.
        detached: streams that no gradient follows through the block, which takes it from all that comes before.
        router: let every stream's position weigh all experts, ``Σ_e softmax(W_m·h)_e · expert_e(h)``.
        dropout: share of entries dropped.
        eps: of the norms.
    """

    def __init__(
        self,
        streams: Collection[str],
        mamba: Mamba,
        width: int,
        residual: bool,
        detached: Collection[str],
        router: bool,
        dropout: float,
        eps: float,
    ) -> None:
        super().__init__()
        self.mamba, self.residual, self.detached = mamba, residual, frozenset(detached)
        self.norm = nn.LayerNorm(width, eps)
        self.dropout = Dropout(dropout)
        self.experts = nn.ModuleDict(
            {name: FeedForward(width, 4 * width, dropout, eps, activation=F.gelu) for name in streams}
        )
        routed = router and len(streams) > 1  # an expert alone has all the weight
        self.routers = nn.ModuleDict({name: nn.Linear(width, len(streams)) for name in streams} if routed else {})

    def forward(self, streams: Mapping[str, Tensor], carry: Carry | None = None) -> dict[str, Tensor]:
        """Streams ``(B, L, d)`` by name to the same."""
        mixed = {name: self._mix(name, x_BLd, carry and carry.of(name)) for name, x_BLd in streams.items()}
        return {name: self._advise(name, h_BLd) for name, h_BLd in mixed.items()}

    def _mix(self, name: str, x_BLd: Tensor, carry: Carry | None) -> Tensor:
        with torch.set_grad_enabled(torch.is_grad_enabled() and name not in self.detached):
            h_BLd = self.dropout(self.mamba(x_BLd, carry))
            out: Tensor = self.norm(h_BLd + x_BLd if self.residual else h_BLd)
            return out

    def _advise(self, name: str, h_BLd: Tensor) -> Tensor:
        if not self.routers:
            own: Tensor = self.experts[name](h_BLd)
            return own
        weights_BLE = self.routers[name](h_BLd).softmax(dim=-1)
        every_BLdE = torch.stack([expert(h_BLd) for expert in self.experts.values()], dim=-1)
        routed: Tensor = torch.linalg.vecdot(every_BLdE, weights_BLE.unsqueeze(-2))
        return routed
