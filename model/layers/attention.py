"""Causal attention over a sliding window, with learned weights of how long ago: any length, and a state of fixed size.

Shapes: B batch, L positions, d hidden, H heads, P = d/H, W window, S keys: those of the state, then the positions'.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.sizes import check_sizes
from model.ops.last import take
from model.state import Carry


class WindowAttention(nn.Module):
    """Each position attends to itself and the ``W - 1`` before it.

    Where a key stands is told by its age alone, a learned number a head and age that is added to the score. Positions
    counted from a history's start could not be learned beyond its usual length, and from its end would change with
    every event, so that nothing could be kept.

    Args:
        hidden: d.
        heads: H.
        window: W.
        dropout: of the attention's weights.

    Raises:
        ValueError: a size below 1, or heads that do not divide d.
    """

    def __init__(self, hidden: int, heads: int, window: int, dropout: float) -> None:
        super().__init__()
        check_sizes(hidden=hidden, heads=heads, window=window)
        if hidden % heads:
            raise ValueError(f"hidden = {hidden} must be a multiple of heads = {heads}: change one of them")
        self.heads, self.window, self.share = heads, window, dropout
        self.query, self.key, self.value, self.out = (nn.Linear(hidden, hidden) for _ in range(4))
        self.age = nn.Parameter(torch.empty(heads, window).normal_(std=0.02))

    def forward(self, x_BLd: Tensor, carry: Carry | None = None) -> Tensor:
        """``(B, L, d)`` to the same, with ``carry`` as further positions."""
        k_BSd, v_BSd, missing_B = self.key(x_BLd), self.value(x_BLd), None
        if carry is not None:
            k_BSd, v_BSd, missing_B = self._carried(k_BSd, v_BSd, carry)
        q_BHLP, k_BHSP, v_BHSP = (self._split(part) for part in (self.query(x_BLd), k_BSd, v_BSd))
        y_BHLP = F.scaled_dot_product_attention(
            q_BHLP,
            k_BHSP,
            v_BHSP,
            attn_mask=self._scores(x_BLd.shape[1], k_BSd.shape[1], missing_B).to(q_BHLP.dtype),
            dropout_p=self.share if self.training else 0.0,
        )
        out: Tensor = self.out(y_BHLP.transpose(1, 2).flatten(2))
        return out

    def _scores(self, length: int, keys: int, missing_B: Tensor | None) -> Tensor:
        """``(H, L, S)`` to be added to the scores, or ``(B, H, L, S)``: by age, and -inf where there is no key."""
        at_S = torch.arange(keys, device=self.age.device)
        age_LS = at_S[keys - length :].unsqueeze(1) - at_S
        outside_LS = (age_LS < 0) | (age_LS >= self.window)
        by_age_HLS = self.age[:, age_LS.clamp(0, self.window - 1)].masked_fill(outside_LS, -torch.inf)
        if missing_B is None:
            return by_age_HLS
        return by_age_HLS.masked_fill((at_S < missing_B.unsqueeze(1))[:, None, None], -torch.inf)

    def _carried(self, k_BLd: Tensor, v_BLd: Tensor, carry: Carry) -> tuple[Tensor, Tensor, Tensor]:
        """Keys and values with the state's before them, and how many of these are not there yet, ``(B,)``."""
        past, width = self.window - 1, k_BLd.shape[2]
        had_B = carry.take("events", (), carry.lengths_B)
        carry.give("events", (had_B + carry.lengths_B).clamp(max=past))
        kept_BW = carry.lengths_B.unsqueeze(1) + torch.arange(past, device=k_BLd.device)
        both = []
        for name, new_BLd in (("keys", k_BLd), ("values", v_BLd)):
            all_BSd = torch.cat([carry.take(name, (past, width), new_BLd), new_BLd], dim=1)
            carry.give(name, take(all_BSd, kept_BW))
            both.append(all_BSd)
        return both[0], both[1], past - had_B

    def _split(self, x_BSd: Tensor) -> Tensor:
        """``(B, S, d)`` to ``(B, H, S, P)``."""
        return x_BSd.reshape(*x_BSd.shape[:2], self.heads, -1).transpose(1, 2)
