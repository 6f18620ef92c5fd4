"""The selective scan by mamba_ssm's CUDA kernel, where that package and a GPU are at hand.

Written from the documented arguments of ``selective_scan_fn``: u and delta ``(B, D, L)``, A ``(D, N)``, B and C
``(B, N, L)``; with ``return_last_state`` also the state ``(B, D, N)``, which no gradient goes through. It starts
from zeros and knows no starts.

Shapes: B batch, L positions, D channels, N state.
"""

from importlib import import_module

import torch
from torch import Tensor

from model.ops import kernels
from model.ops.selective_scan.inputs import Inputs


def obstacle(given: Inputs, with_state: bool) -> str | None:
    """Why this form cannot run on these inputs and what to do about it; None where it can."""
    if (reason := kernels.obstacle(given.x_BLD, "mamba_ssm")) is not None:
        return reason
    if given.initial_BDN is not None or given.starts_BL is not None:
        return "the kernel takes neither an initial state nor starts: leave the form to be chosen"
    if with_state and torch.is_grad_enabled():
        return "the kernel gives the final state no gradient: use torch.no_grad, or leave the form to be chosen"
    return None


def cuda(given: Inputs) -> tuple[Tensor, Tensor]:
    """``(y_BLD, final_BDN)``."""
    interface = import_module("mamba_ssm.ops.selective_scan_interface")
    y_BDL, final_BDN = interface.selective_scan_fn(
        given.x_BLD.mT.contiguous(),
        given.dt_BLD.mT.contiguous(),
        given.A_DN,
        given.B_BLN.mT.contiguous(),
        given.C_BLN.mT.contiguous(),
        return_last_state=True,
    )
    return y_BDL.mT, final_BDN
