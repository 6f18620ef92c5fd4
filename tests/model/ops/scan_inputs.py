"""Random inputs of the selective scan, and the gradients of a form, for its tests."""

import torch
from torch import Tensor

from model.ops.selective_scan import selective_scan_with_state

BATCH, CHANNELS, STATE = 2, 3, 5
NAMES = ["x", "dt", "A", "B", "C", "D", "initial"]


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


def weights_like(tensor: Tensor) -> Tensor:
    """The same numbers for the same shape, however it lies in memory."""
    return torch.randn(tensor.shape, generator=torch.Generator().manual_seed(0), dtype=tensor.dtype)


def outcome(tensors: list[Tensor], counted_BL: Tensor | None = None, **options) -> dict[str, Tensor]:
    """y, the final state, and the gradients of a weighted sum of both; ``counted`` marks the y that matter."""
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    initial = leaves[6] if len(leaves) > 6 else None
    y, final = selective_scan_with_state(*leaves[:6], initial_BDN=initial, **options)
    if counted_BL is not None:
        y = y * counted_BL[..., None]
    ((y * weights_like(y)).sum() + (final * weights_like(final)).sum()).backward()
    grads = {name: leaf.grad for name, leaf in zip(NAMES, leaves, strict=False)}
    return {"y": y.detach(), "final": final.detach(), **grads}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, expected in other.items():
        torch.testing.assert_close(
            one[name], expected, rtol=1e-9, atol=1e-9, msg=lambda text, name=name: f"{name}: {text}"
        )
