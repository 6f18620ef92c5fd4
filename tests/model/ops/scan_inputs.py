"""Random inputs of the selective scan, and the gradients of a form, for its tests."""

import torch
from torch import Tensor

from model.ops.selective_scan import selective_scan_with_state
from tests.model.ops.scans import outcome_of

BATCH, CHANNELS, STATE = 2, 3, 5


def draw(length: int, batch: int = BATCH) -> list[Tensor]:
    """x, dt, A, B, C, D and an initial state, in float64."""
    random = torch.Generator().manual_seed(length)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    return [
        normal(batch, length, CHANNELS),
        (normal(batch, length, CHANNELS) - 1).exp(),
        -normal(CHANNELS, STATE).exp(),
        normal(batch, length, STATE),
        normal(batch, length, STATE),
        normal(CHANNELS),
        normal(batch, CHANNELS, STATE),
    ]


def outcome(tensors: list[Tensor], counted_BL: Tensor | None = None, **options) -> dict[str, Tensor]:
    """See ``outcome_of``; a seventh tensor is the initial state."""

    def scan(leaves: list[Tensor]) -> tuple[Tensor, Tensor]:
        return selective_scan_with_state(*leaves[:6], initial_BDN=leaves[6] if len(leaves) > 6 else None, **options)

    return outcome_of(scan, tensors, counted_BL)
