"""Random inputs of the SSD operator, and the gradients of a form, for its tests."""

import torch
from torch import Tensor

from model.ops.ssd import ssd_with_state

BATCH, HEADS, WIDTH, STATE = 2, 4, 3, 5
NAMES = ["x", "dt", "A", "B", "C", "D", "initial"]


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


def weights_like(tensor: Tensor) -> Tensor:
    """The same numbers for the same shape, however it lies in memory."""
    return torch.randn(tensor.shape, generator=torch.Generator().manual_seed(0), dtype=tensor.dtype)


def outcome(tensors: list[Tensor], counted_BL: Tensor | None = None, **options) -> dict[str, Tensor]:
    """y, the final state, and the gradients of a weighted sum of both; ``counted`` marks the y that matter."""
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    y, final = ssd_with_state(*leaves[:6], initial_BHNP=leaves[6] if len(leaves) > 6 else None, **options)
    if counted_BL is not None:
        y = y * counted_BL[..., None, None]
    ((y * weights_like(y)).sum() + (final * weights_like(final)).sum()).backward()
    grads = {name: leaf.grad for name, leaf in zip(NAMES, leaves, strict=False)}
    return {"y": y.detach(), "final": final.detach(), **grads}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, expected in other.items():
        torch.testing.assert_close(
            one[name], expected, rtol=1e-9, atol=1e-9, msg=lambda text, name=name: f"{name}: {text}"
        )
