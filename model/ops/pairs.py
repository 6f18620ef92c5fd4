"""Two streams as rows of one tensor, so that weights which they share are used, and read, once.

Shapes: B histories; row 2b is the text stream of history b, row 2b + 1 its image stream.
"""

import torch
from torch import Tensor, unflatten


def pair(text: Tensor, image: Tensor) -> Tensor:
    """``(B, …)`` twice to ``(2B, …)``."""
    return torch.stack((text, image), dim=1).flatten(0, 1)


def unpair(both: Tensor) -> tuple[Tensor, Tensor]:
    """``(2B, …)`` to text and image, views ``(B, …)``."""
    text, image = unflatten(both, 0, (len(both) // 2, 2)).unbind(1)
    return text, image
