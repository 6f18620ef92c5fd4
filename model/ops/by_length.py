"""Histories of like length encoded together: right padding is not computed for nothing.

Shapes: B batch, L positions.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def by_length(
    encode: Callable[[Tensor, Tensor, Tensor], Tensor],
    items_BL: Tensor,
    lengths_B: Tensor,
    timestamps_BL: Tensor,
    rows: int = 256,
) -> Tensor:
    """``encode(items, lengths, timestamps)`` in groups of ``rows``, the items of each cut to its longest history.

    Gives what one call on the whole batch gives, for an encoder whose rows do not mix and that does not look
    beyond a row's length. Rows keep their order. Smaller groups cost more than they save, and on a GPU the cut
    would wait for the device: there one call is made. Timestamps are not cut, since the window form's time path
    spans the window.
    """
    groups = len(items_BL) // rows
    if items_BL.device.type != "cpu" or groups < 2:
        return encode(items_BL, lengths_B, timestamps_BL)
    order_B = lengths_B.argsort(stable=True)
    parts = []
    for group in order_B.chunk(groups):
        longest = max(int(lengths_B[group[-1]]), 1)
        parts.append(encode(items_BL[group, :longest], lengths_B[group], timestamps_BL[group]))
    return torch.cat(parts)[order_B.argsort()]
