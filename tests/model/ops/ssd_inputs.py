"""Random inputs of the SSD operator, and the gradients of a form, for its tests."""

import torch
from torch import Tensor

from model.ops.ssd import ssd_with_state
from tests.model.ops.scans import outcome_of

BATCH, HEADS, WIDTH, STATE = 2, 4, 3, 5


def draw(length: int, groups: int, batch: int = BATCH) -> list[Tensor]:
    """x, dt, A, B, C, D and an initial state, in float64."""
    random = torch.Generator().manual_seed(length * 10 + groups)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    return [
        normal(batch, length, HEADS, WIDTH),
        normal(batch, length, HEADS).exp(),
        -normal(HEADS).exp(),
        normal(batch, length, groups, STATE),
        normal(batch, length, groups, STATE),
        normal(HEADS),
        normal(batch, HEADS, STATE, WIDTH),
    ]


def outcome(tensors: list[Tensor], counted_BL: Tensor | None = None, **options) -> dict[str, Tensor]:
    """See ``outcome_of``; a seventh tensor is the initial state."""

    def scan(leaves: list[Tensor]) -> tuple[Tensor, Tensor]:
        return ssd_with_state(*leaves[:6], initial_BHNP=leaves[6] if len(leaves) > 6 else None, **options)

    return outcome_of(scan, tensors, counted_BL)
