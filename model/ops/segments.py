"""Where a scan's state starts anew and where a row has ended, alike for every scan here.

Shapes: B batch, L positions, X channels or heads.
"""

import torch
from torch import Tensor, unflatten


def hold_after(dt_BLX: Tensor, starts_BL: Tensor | None, lengths_B: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Steps and starts that leave the state alone at and beyond a row's length: a step of 0, and no start."""
    if lengths_B is None:
        return dt_BLX, starts_BL
    beyond_BL = torch.arange(dt_BLX.shape[1], device=dt_BLX.device) >= lengths_B.unsqueeze(-1)
    dt_BLX = dt_BLX.masked_fill(beyond_BL.unsqueeze(-1), 0.0)
    return dt_BLX, None if starts_BL is None else starts_BL & ~beyond_BL


def segment_ids(starts_BL: Tensor) -> Tensor:
    """``(…, L)`` integers: how many starts there were up to a position, itself included; 0 before the first."""
    return starts_BL.cumsum(dim=-1)


def fold(tensor: Tensor, size: int, dim: int = 1, padding: int = 0) -> Tensor:
    """``(…, L, …)`` to ``(…, ⌈L/size⌉, size, …)``, a view where size divides L, else padded at the end."""
    missing = -tensor.shape[dim] % size
    if missing:
        shape = list(tensor.shape)
        shape[dim] = missing
        tensor = torch.cat([tensor, tensor.new_full(shape, padding)], dim=dim)
    return unflatten(tensor, dim, (-1, size))
