"""RMS norm of a gated stream, in few passes over memory.

Shapes: any leading ones, then D width.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from model.ops.cast import cast


def gated_rms_norm(y: Tensor, z: Tensor, weight_D: Tensor, eps: float) -> Tensor:
    """``h / sqrt(mean(h²) + eps) ⊙ weight`` with ``h = y ⊙ SiLU(z)``: gate first, then norm (MODELS §1.3).

    The gradient is written out: torch composes this norm on a CPU of a dozen passes over the stream, which
    take twice the time. The mean square is taken in float32 at least.
    """
    if not torch.is_grad_enabled():
        return _normed(y, cast(z, y.dtype), weight_D, eps)[0]
    out: Tensor = _GatedRMSNorm.apply(y, cast(z, y.dtype), weight_D, eps)  # type: ignore[no-untyped-call]
    return out


class _GatedRMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, z: Tensor, weight_D: Tensor, eps: float) -> Tensor:
        out, gate, h, scale = _normed(y, z, weight_D, eps)
        ctx.save_for_backward(y, z, weight_D, gate, h, scale)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        y, z, weight_D, gate, h, scale = ctx.saved_tensors
        normed = h * scale
        product = grad * normed
        dweight_D = product.reshape(-1, product.shape[-1]).sum(dim=0, dtype=weight_D.dtype)
        # h reaches the loss also through the mean square
        pull = (product @ weight_D.to(h.dtype)).unsqueeze(-1).div_(h.shape[-1])
        dh = torch.mul(grad, weight_D.to(h.dtype), out=product).sub_(normed.mul_(pull)).mul_(scale)
        dz = torch.ops.aten.silu_backward(torch.mul(dh, y, out=normed), z)
        return dh.mul_(gate), dz, dweight_D, None


def _normed(y: Tensor, z: Tensor, weight_D: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The norm, and what its gradient takes: ``SiLU(z)``, h, and its scale ``(…, 1)``."""
    gate = F.silu(z)
    h = y * gate
    scale = cast(_scale(h, eps), h.dtype)
    return (h * scale).mul_(weight_D), gate, h, scale


def _scale(h: Tensor, eps: float) -> Tensor:
    """``1 / sqrt(mean(h²) + eps)``, ``(…, 1)``, at least float32."""
    wide = torch.promote_types(h.dtype, torch.float32)
    norm: Tensor = torch.linalg.vector_norm(h, dim=-1, keepdim=True, dtype=wide)
    # one operation: with numbers in place of tensors three would take a click of one user as long as the rest
    return torch.addcmul(norm.new_full((), eps), norm, norm, value=1 / h.shape[-1]).rsqrt_()
