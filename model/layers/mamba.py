"""The Mamba block (Gu & Dao, arXiv 2312.00752, section 3.4): convolution, selective scan, gate.

Shapes: B batch, L positions, d hidden, D = expand·d inner, N state, R = ⌈d/16⌉ rank of dt, K kernel.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.conv import CausalConv
from model.layers.sizes import check_sizes
from model.ops.selective_scan import selective_scan, selective_scan_step, selective_scan_with_state
from model.state import Carry


class Mamba(nn.Module):
    """``in_proj(x) → x, z``; ``SiLU(conv_K(x))``; scan with dt, B, C made of x; ``out_proj(y ⊙ SiLU(z))``.

    Neither residual nor norm. Parameters are shaped and, but for ``conv``, named as in the published blocks.

    Args:
        hidden: d.
        state: N.
        kernel: K.
        expand: D over d.

    Raises:
        ValueError: a size below 1.
    """

    def __init__(self, hidden: int, state: int, kernel: int = 4, expand: int = 2) -> None:
        super().__init__()
        check_sizes(hidden=hidden, state=state, kernel=kernel, expand=expand)
        inner, rank = expand * hidden, math.ceil(hidden / 16)
        self.parts = [rank, state, state]
        self.in_proj = nn.Linear(hidden, 2 * inner, bias=False)
        self.conv: nn.Module = CausalConv(inner, kernel)
        self.x_proj = nn.Linear(inner, sum(self.parts), bias=False)
        self.dt_proj = nn.Linear(rank, inner)
        dt_D = torch.exp(torch.empty(inner).uniform_(math.log(1e-3), math.log(1e-1)))
        with torch.no_grad():
            nn.init.uniform_(self.dt_proj.weight, -(rank**-0.5), rank**-0.5)
            self.dt_proj.bias.copy_(dt_D + torch.log(-torch.expm1(-dt_D)))  # softplus(bias) = dt
        self.A_log = nn.Parameter(torch.arange(1, state + 1, dtype=torch.float32).log().repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, hidden, bias=False)

    def forward(self, x_BLd: Tensor, carry: Carry | None = None) -> Tensor:
        """``(B, L, d)`` to the same, with ``carry`` as further positions."""
        x_BLD, z_BLD = self.in_proj(x_BLd).chunk(2, dim=-1)
        x_BLD = self.conv(x_BLD, carry=carry)
        y_BLD = self._scan(x_BLD, carry)
        out: Tensor = self.out_proj(y_BLD * F.silu(z_BLD))
        return out

    def _scan(self, x_BLD: Tensor, carry: Carry | None) -> Tensor:
        low_BLR, B_BLN, C_BLN = torch.split(self.x_proj(x_BLD), self.parts, dim=-1)
        dt_BLD, A_DN = F.softplus(self.dt_proj(low_BLR)), -torch.exp(self.A_log.float())
        if carry is None:
            return selective_scan(x_BLD, dt_BLD, A_DN, B_BLN, C_BLN, self.D)
        initial_BDN = carry.take("scan", A_DN.shape, x_BLD)
        if carry.click:
            x_BD, dt_BD, B_BN, C_BN = (part.squeeze(1) for part in (x_BLD, dt_BLD, B_BLN, C_BLN))
            y_BD, final_BDN = selective_scan_step(x_BD, dt_BD, A_DN, B_BN, C_BN, self.D, initial_BDN)
            y_BLD = y_BD.unsqueeze(1)
        else:
            y_BLD, final_BDN = selective_scan_with_state(
                x_BLD, dt_BLD, A_DN, B_BLN, C_BLN, self.D, initial_BDN=initial_BDN, lengths_B=carry.lengths_B
            )
        carry.give("scan", final_BDN)
        return y_BLD
