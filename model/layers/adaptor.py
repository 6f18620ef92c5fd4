"""From a feature space to the model's: one linear map, or a mixture of whitening experts.

Shapes: F feature width, d hidden, K experts.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Adaptor = Literal["linear", "experts"]

_EXPERTS = 8


def make_adaptor(adaptor: Adaptor, width: int, hidden: int) -> nn.Module:
    """``(…, F)`` to ``(…, d)``; raises ``ValueError`` for a name that is not known."""
    if adaptor == "linear":
        return nn.Linear(width, hidden)
    if adaptor == "experts":
        return WhiteningExperts(width, hidden, _EXPERTS)
    raise ValueError(f"adaptor = {adaptor!r}: give linear or experts")


class WhiteningExperts(nn.Module):
    """UniSRec's adaptor (Hou et al., arXiv 2206.05941, equations 2 to 4): ``Σ_k g_k (x - b_k)·W_k``.

    Each expert is a parametric whitening; the gate is ``g = softmax(x·W_g + ε ⊙ softplus(x·W_n))`` with ε normal in
    training, so that no expert starves, and 0 elsewhere.

    Args:
        width: F.
        hidden: d.
        experts: K.
    """

    def __init__(self, width: int, hidden: int, experts: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(experts, width))
        self.weight = nn.Parameter(torch.empty(experts, width, hidden).normal_(std=width**-0.5))
        self.gate = nn.Linear(width, experts, bias=False)
        self.noise = nn.Linear(width, experts, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(…, F)`` to ``(…, d)``."""
        experts, width, hidden = self.weight.shape
        moved_K1d = self.shift.unsqueeze(1) @ self.weight
        mapped = x @ self.weight.transpose(0, 1).reshape(width, experts * hidden)  # x - b is K times as large as x
        whitened = mapped.view(*x.shape[:-1], experts, hidden) - moved_K1d.squeeze(1)
        out: Tensor = (self._gate(x).unsqueeze(-1) * whitened).sum(dim=-2)
        return out

    def _gate(self, x: Tensor) -> Tensor:
        """``(…, K)``, of sum 1."""
        logits: Tensor = self.gate(x)
        if self.training:
            logits = logits + torch.randn_like(logits) * F.softplus(self.noise(x))
        return logits.softmax(dim=-1)
