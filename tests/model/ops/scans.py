"""What the tests of every scan do with a form: its outcome, gradients included, and whether two are the same."""

from collections.abc import Callable

import torch
from torch import Tensor

NAMES = ["x", "dt", "A", "B", "C", "D", "initial"]


def weights_like(tensor: Tensor) -> Tensor:
    """The same numbers for the same shape, however it lies in memory."""
    return torch.randn(tensor.shape, generator=torch.Generator().manual_seed(0), dtype=tensor.dtype)


def outcome_of(
    scan: Callable[[list[Tensor]], tuple[Tensor, Tensor]], tensors: list[Tensor], counted_BL: Tensor | None = None
) -> dict[str, Tensor]:
    """y, the final state, and the gradients of a weighted sum of both; ``counted`` marks the y that matter."""
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    y, final = scan(leaves)
    if counted_BL is not None:
        y = y * counted_BL.view(*counted_BL.shape, *[1] * (y.dim() - 2))
    ((y * weights_like(y)).sum() + (final * weights_like(final)).sum()).backward()
    grads = {name: leaf.grad for name, leaf in zip(NAMES, leaves, strict=False)}
    return {"y": y.detach(), "final": final.detach(), **grads}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, expected in other.items():
        torch.testing.assert_close(
            one[name], expected, rtol=1e-9, atol=1e-9, msg=lambda text, name=name: f"{name}: {text}"
        )
