"""Causal depthwise convolution: each channel sees itself now and a few steps back.

Shapes: B batch, L positions, C channels, K kernel width, T = K - 1 positions of the past.
"""

from importlib import import_module
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from model.ops.kernels import obstacle

_ROWS = 64  # of the batch, summed at once on a CPU: their products stay in the cache


Form = Literal["torch", "cuda"]


def causal_conv(x_BLC: Tensor, weight_CK: Tensor, bias_C: Tensor, form: Form | None = None) -> Tensor:
    """``y_l = bias + Σ_k weight[:, k] ⊙ x_{l-K+1+k}``, zeros before the start; ``(B, L, C)`` to the same.

    In the form ``torch`` as a 2-d convolution of height 1 over a channels-last view: nothing is transposed in
    memory, which on a CPU takes a third of the time of ``conv1d``. The gradient of the weights is summed here,
    since torch's takes several times as long for a depthwise kernel. The form ``cuda`` is the kernel of
    causal_conv1d, chosen where it can run.

    Raises:
        ValueError: the form is unknown, or cannot run on these tensors.
    """
    if torch.is_autocast_enabled(x_BLC.device.type):
        dtype = torch.get_autocast_dtype(x_BLC.device.type)
        x_BLC, weight_CK, bias_C = x_BLC.to(dtype), weight_CK.to(dtype), bias_C.to(dtype)
    if form not in (None, "torch", "cuda"):
        raise ValueError(f"causal_conv has no form {form!r}: torch or cuda, or None to have it chosen")
    reason = None if form == "torch" else _obstacle(x_BLC, weight_CK)
    if form == "cuda" and reason is not None:
        raise ValueError(f"causal_conv cannot run as form 'cuda', {reason}")
    if form == "torch" or reason is not None:
        y_BLC: Tensor = _CausalConv.apply(x_BLC, weight_CK, bias_C)  # type: ignore[no-untyped-call]
        return y_BLC
    kernel = import_module("causal_conv1d").causal_conv1d_fn  # documented: x (B, C, L), weight (C, K), bias (C,)
    y_BCL: Tensor = kernel(x_BLC.transpose(1, 2), weight_CK, bias_C)
    return y_BCL.transpose(1, 2)


def _obstacle(x_BLC: Tensor, weight_CK: Tensor) -> str | None:
    """Why the CUDA kernel cannot run and what to do about it; None where it can."""
    if (reason := obstacle(x_BLC, "causal_conv1d")) is not None:
        return reason
    if weight_CK.shape[1] not in (2, 3, 4) or x_BLC.shape[2] % 8:
        return "the kernel needs K of 2 to 4 and channels in eights: leave the form to be chosen"
    return None


class _CausalConv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BLC: Tensor, weight_CK: Tensor, bias_C: Tensor) -> Tensor:
        padded = _pad(x_BLC, weight_CK.shape[1] - 1, 0)
        ctx.save_for_backward(padded, weight_CK)
        y = F.conv2d(_image(padded), _kernel(weight_CK), bias_C, groups=len(bias_C))
        return y.squeeze(2).transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BLC: Tensor) -> tuple[Tensor | None, ...]:
        padded, weight_CK = ctx.saved_tensors
        dx = dw = db = None
        if ctx.needs_input_grad[0]:  # the same convolution, backwards in time
            later = _pad(grad_BLC, 0, weight_CK.shape[1] - 1)
            dx = F.conv2d(_image(later), _kernel(weight_CK.flip(1)), groups=len(weight_CK)).squeeze(2).transpose(1, 2)
        if ctx.needs_input_grad[1]:
            dw = _weight_gradient(padded, grad_BLC, weight_CK)
        if ctx.needs_input_grad[2]:
            db = grad_BLC.sum(dim=(0, 1))
        return dx, dw, db


def _pad(x_BLC: Tensor, before: int, after: int) -> Tensor:
    """Zeros around the positions; ``F.pad`` fills the whole with zeros first, which costs as much as the copy."""
    rows, length, channels = x_BLC.shape
    padded = x_BLC.new_empty(rows, before + length + after, channels)
    padded[:, :before] = 0
    padded[:, before : before + length] = x_BLC
    padded[:, before + length :] = 0
    return padded


def _image(x_BLC: Tensor) -> Tensor:
    """``(B, C, 1, L)``, a view."""
    return x_BLC.transpose(1, 2).unsqueeze(2)


def _kernel(weight_CK: Tensor) -> Tensor:
    return weight_CK[:, None, None, :]


def _weight_gradient(padded: Tensor, grad_BLC: Tensor, weight_CK: Tensor) -> Tensor:
    """``dw[c, k] = Σ_{b,l} grad[b, l, c] · padded[b, l+k, c]``."""
    length, width = grad_BLC.shape[1], weight_CK.shape[1]
    dw_KC = weight_CK.new_zeros(width, len(weight_CK), dtype=torch.promote_types(weight_CK.dtype, torch.float32))
    rows = _ROWS if padded.device.type == "cpu" else max(1, len(padded))
    for past, grad in zip(torch.split(padded, rows), torch.split(grad_BLC, rows), strict=True):
        for k in range(width):
            dw_KC[k] += (grad * past[:, k : k + length]).sum(dim=(0, 1))
    return dw_KC.T.to(weight_CK.dtype)
