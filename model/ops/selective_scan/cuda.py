"""The selective scan by mamba_ssm's CUDA kernel, where that package and a GPU are at hand.

Written from the documented arguments of ``selective_scan_fn``: u and delta ``(B, D, L)``, A ``(D, N)``, B and C
``(B, N, L)``; with ``return_last_state`` also the state ``(B, D, N)``, which no gradient goes through. It starts
from zeros and knows no starts.

Shapes: B batch, L positions, D channels, N state.
"""

from importlib import import_module
from importlib.util import find_spec

import torch
from torch import Tensor

from model.ops.selective_scan.inputs import Inputs


def obstacle(given: Inputs, with_state: bool) -> str | None:
    """Why this form cannot run on these inputs and what to do about it; None where it can."""
    x = given.x_BLD
    if not x.is_cuda:
        return f"its tensors are on {x.device}, not on CUDA: move them, or leave the form to be chosen"
    if find_spec("mamba_ssm") is None:
        return "mamba_ssm is not installed: pip install tributary[cuda] (needs nvcc), or leave the form to be chosen"
    if x.dtype == torch.float64:
        return "the kernel has no float64: cast to float32, or leave the form to be chosen"
    if given.initial_BDN is not None or given.starts_BL is not None:
        return "the kernel takes neither an initial state nor starts: leave the form to be chosen"
    if with_state and torch.is_grad_enabled():
        return "the kernel gives the final state no gradient: use torch.no_grad, or leave the form to be chosen"
    return None


def cuda(given: Inputs) -> tuple[Tensor, Tensor]:
    """``(y_BLD, final_BDN)``."""
    kernels = import_module("mamba_ssm.ops.selective_scan_interface")
    y_BDL, final_BDN = kernels.selective_scan_fn(
        given.x_BLD.mT.contiguous(),
        given.dt_BLD.mT.contiguous(),
        given.A_DN,
        given.B_BLN.mT.contiguous(),
        given.C_BLN.mT.contiguous(),
        return_last_state=True,
    )
    return y_BDL.mT, final_BDN
