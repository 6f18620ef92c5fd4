"""The gated RMS norm with its written-out gradient, against its definition."""

import pytest
import torch
import torch.nn.functional as F

from model.ops.gated_norm import gated_rms_norm


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 5, 7), (0, 4)], ids=str)
def test_equals_its_definition_and_every_gradient(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    y, z, weight = (torch.randn(s, dtype=torch.float64, requires_grad=True) for s in (shape, shape, shape[-1:]))
    ours = gated_rms_norm(y, z, weight, 1e-3)
    h = y * F.silu(z)
    theirs = h * (h.square().mean(-1, keepdim=True) + 1e-3).rsqrt() * weight
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    upstream = torch.randn(shape, dtype=torch.float64)
    for one, other in zip(
        torch.autograd.grad(ours, (y, z, weight), upstream), torch.autograd.grad(theirs, (y, z, weight), upstream),
        strict=True,
    ):  # fmt: skip
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_bfloat16_keeps_its_type_and_takes_the_mean_square_wider() -> None:
    torch.manual_seed(0)
    y, z, weight = torch.randn(4, 512), torch.randn(4, 512), torch.rand(512)
    wide = gated_rms_norm(y, z, weight, 1e-12)
    narrow = gated_rms_norm(y.bfloat16().requires_grad_(), z.bfloat16(), weight, 1e-12)
    narrow.sum().backward()
    assert narrow.dtype == torch.bfloat16
    torch.testing.assert_close(narrow.float(), wide, rtol=0.03, atol=0.03)


def test_streams_of_two_types() -> None:
    """Under autocast a matmul gives bfloat16, the scan float32."""
    y = torch.randn(4, 8, requires_grad=True)
    z = torch.randn(4, 8).bfloat16().requires_grad_()
    gated_rms_norm(y, z, torch.ones(8), 1e-6).sum().backward()
    assert y.grad is not None and y.grad.dtype == torch.float32
    assert z.grad is not None and z.grad.dtype == torch.bfloat16
