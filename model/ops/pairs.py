"""Two streams as rows of one tensor, so that weights which they share are used, and read, once.

Shapes: B histories, L positions, T channels; row 2b is the text stream of history b, row 2b + 1 its image stream.
"""

import torch
from torch import Tensor, unflatten


def pair(text: Tensor, image: Tensor) -> Tensor:
    """``(B, …)`` twice to ``(2B, …)``."""
    return torch.stack((text, image), dim=1).flatten(0, 1)


def unpair(both: Tensor) -> tuple[Tensor, Tensor]:
    """``(2B, …)`` to text and image, views ``(B, …)``."""
    text, image = unflatten(both, 0, (both.shape[0] // 2, 2)).unbind(1)
    return text, image


def to_rows(both_BLT2: Tensor) -> Tensor:
    """Channels of both, ``(B, L, 2T)`` with the text stream's first, to rows ``(2B, L, T)``; of one position a view."""
    batch, length, width = both_BLT2.shape
    if length == 1:  # which lies the same either way
        return both_BLT2.reshape(2 * batch, 1, width // 2)
    return unflatten(both_BLT2, 2, (2, width // 2)).transpose(1, 2).flatten(0, 1)


def to_channels(both_RLT: Tensor) -> Tensor:
    """Rows of both, ``(2B, L, T)``, to channels ``(B, L, 2T)``."""
    rows, length, width = both_RLT.shape
    if length == 1:
        return both_RLT.reshape(rows // 2, 1, 2 * width)
    return unflatten(both_RLT, 0, (rows // 2, 2)).transpose(1, 2).flatten(2)
