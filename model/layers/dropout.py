"""Dropout whose random bits cost little on a CPU."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Dropout(nn.Module):
    """Zeroes a share of the entries and scales the rest, in training.

    On a CPU four 16-bit draws come from one 64-bit word, some ten times faster than ``F.dropout``'s one draw
    an entry; the share is rounded to 1/65536 and the scale is that share's, so the expectation is exact.

    Args:
        share: of entries dropped, at least 0 and below 1.

    Raises:
        ValueError: a share outside that range.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        if not 0 <= share < 1:
            raise ValueError(f"dropout = {share}: give a share of at least 0 and below 1")
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same."""
        if not self.training or self.share == 0:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.share)
        dropped = round(self.share * 65536)
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        keep = words.view(torch.int16)[: x.numel()].view(x.shape) >= dropped - 32768
        return x * keep.to(x.dtype).mul_(65536 / (65536 - dropped))

    def extra_repr(self) -> str:
        """The share."""
        return f"{self.share}"
