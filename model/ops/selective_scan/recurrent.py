"""The selective scan (Gu & Dao, arXiv 2312.00752), one position after another: the readable form, and serving's.

Shapes: B batch, L positions, D channels, N state.
"""

import torch
from torch import Tensor

from model.ops.selective_scan.inputs import Inputs


def recurrent(given: Inputs) -> tuple[Tensor, Tensor]:
    """``(y_BLD, final_BDN)``: ``h_l = exp(dt_l A) h_{l-1} + dt_l x_l B_l``, ``y_l = C_l·h_l``."""
    batch, length, channels = given.x_BLD.shape
    state_BDN = given.initial_BDN
    if state_BDN is None:
        state_BDN = given.x_BLD.new_zeros(batch, channels, given.B_BLN.shape[-1])
    steps = []
    for at in range(length):
        if given.starts_BL is not None:
            state_BDN = state_BDN * ~given.starts_BL[:, at, None, None]
        read_BD, state_BDN = _step(
            given.x_BLD[:, at], given.dt_BLD[:, at], given.A_DN, given.B_BLN[:, at], given.C_BLN[:, at], state_BDN
        )
        steps.append(read_BD)
    return torch.stack(steps, dim=1), state_BDN


def selective_scan_step(
    x_BD: Tensor, dt_BD: Tensor, A_DN: Tensor, B_BN: Tensor, C_BN: Tensor, D_D: Tensor, state_BDN: Tensor
) -> tuple[Tensor, Tensor]:
    """One position of the operator, for serving: ``(y_BD, the next state)``; the arguments as of ``selective_scan``.

    The state is computed in float32 at least and stays so; y has the dtype of x.
    """
    wide = torch.promote_types(x_BD.dtype, torch.float32)
    x, dt, A, B, C, D, state = (t.to(wide) for t in (x_BD, dt_BD, A_DN, B_BN, C_BN, D_D, state_BDN))
    read_BD, state_BDN = _step(x, dt, A, B, C, state)
    return (read_BD + D * x).to(x_BD.dtype), state_BDN


def _step(
    x_BD: Tensor, dt_BD: Tensor, A_DN: Tensor, B_BN: Tensor, C_BN: Tensor, state_BDN: Tensor
) -> tuple[Tensor, Tensor]:
    """``(what is read, the next state)``, without the skip."""
    write_BDN = (dt_BD * x_BD).unsqueeze(-1) * B_BN.unsqueeze(1)
    state_BDN = torch.exp(dt_BD.unsqueeze(-1) * A_DN) * state_BDN + write_BDN
    return (state_BDN * C_BN.unsqueeze(1)).sum(dim=-1), state_BDN
