"""The two SSD blocks of MMM4Rec: TiSSD on one stream, Cross-SSD between two (MODELS §1.3, §1.7).

Shapes: B batch, L positions, d hidden, D = expand·d inner, H heads, P = D/H, G groups, N state, K kernel.
``s_BHL`` is the scaled time signal, None where time is off.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.conv import CausalConv
from model.layers.norm import GatedRMSNorm
from model.ops.ssd import Skip, ssd


@dataclass(frozen=True)
class SSDSizes:
    """Sizes that both blocks share; raises ``ValueError`` where they are below 1 or do not divide."""

    hidden: int
    expand: int
    head_dim: int
    groups: int
    state: int
    kernel: int
    skip: Skip = "scaled"
    norm_eps: float = 1e-12

    def __post_init__(self) -> None:
        counts = {name: getattr(self, name) for name in ("hidden", "expand", "head_dim", "groups", "state", "kernel")}
        if small := [f"{name} = {value}" for name, value in counts.items() if value < 1]:
            raise ValueError(f"{', '.join(small)}: sizes count from 1")
        if self.inner % self.head_dim or self.heads % self.groups:
            raise ValueError(
                f"hidden·expand = {self.inner} must be a multiple of head_dim = {self.head_dim}, and the "
                f"heads = {self.inner / self.head_dim:g} a multiple of groups = {self.groups}: change one of them"
            )

    @property
    def inner(self) -> int:
        """D."""
        return self.hidden * self.expand

    @property
    def heads(self) -> int:
        """H."""
        return self.inner // self.head_dim


class StateSpace(nn.Module):
    """What TiSSD and Cross-SSD share: the scan with its learned rates, the gated norm, the way out."""

    def __init__(self, sizes: SSDSizes) -> None:
        super().__init__()
        self.sizes = sizes
        dt = torch.exp(torch.empty(sizes.heads).uniform_(math.log(1e-3), math.log(1e-1)))
        self.dt_bias = nn.Parameter(dt + torch.log(-torch.expm1(-dt)))  # softplus(dt_bias) = dt
        self.A_log = nn.Parameter(torch.empty(sizes.heads).uniform_(1, 16).log())
        self.D = nn.Parameter(torch.ones(sizes.heads))
        self.norm = GatedRMSNorm(sizes.inner, sizes.norm_eps)
        self.out_proj = nn.Linear(sizes.inner, sizes.hidden)

    def forward(
        self, x_BLD: Tensor, B_BLE: Tensor, C_BLE: Tensor, dt_BLH: Tensor, z_BLD: Tensor, s_BHL: Tensor | None
    ) -> Tensor:
        """Scan and gate: ``(B, L, d)``. ``E = G·N``; ``s`` multiplies dt before its bias."""
        sizes = self.sizes
        if s_BHL is not None:
            dt_BLH = dt_BLH * s_BHL.transpose(1, 2)
        y_BLHP = ssd(
            _split(x_BLD, sizes.heads),
            F.softplus(dt_BLH + self.dt_bias),
            -torch.exp(self.A_log.float()),
            _split(B_BLE, sizes.groups),
            _split(C_BLE, sizes.groups),
            self.D,
            sizes.skip,
        )
        out: Tensor = self.out_proj(self.norm(y_BLHP.flatten(-2), z_BLD))
        return out


class TiSSD(nn.Module):
    """Time-aware SSD over one stream: ``in_proj(x) → z, x, B, C, dt``, convolution, scan, gate."""

    def __init__(self, sizes: SSDSizes) -> None:
        super().__init__()
        writes = sizes.groups * sizes.state
        self.splits = [sizes.inner, sizes.inner + 2 * writes, sizes.heads]
        self.parts = [sizes.inner, writes, writes]
        self.in_proj = nn.Linear(sizes.hidden, sum(self.splits))
        self.conv = CausalConv(sizes.inner + 2 * writes, sizes.kernel)
        self.space = StateSpace(sizes)

    def forward(self, x_BLd: Tensor, s_BHL: Tensor | None) -> Tensor:
        """``(B, L, d)`` to the same."""
        z_BLD, xBC, dt_BLH = self.in_proj(x_BLd).split(self.splits, dim=-1)
        x_BLD, B_BLE, C_BLE = self.conv(xBC).split(self.parts, dim=-1)
        out: Tensor = self.space(x_BLD, B_BLE, C_BLE, dt_BLH, z_BLD, s_BHL)
        return out


class CrossSSD(nn.Module):
    """SSD from a query stream into another: u writes the state, q reads it, their sum gates."""

    def __init__(self, sizes: SSDSizes) -> None:
        super().__init__()
        writes = sizes.groups * sizes.state
        self.splits = [sizes.inner + writes, sizes.heads]
        self.parts = [sizes.inner, writes]
        self.u_proj = nn.Linear(sizes.hidden, sum(self.splits))
        self.q_proj = nn.Linear(sizes.hidden, writes)
        self.z_proj = nn.Linear(sizes.hidden, sizes.inner)
        self.u_conv = CausalConv(sizes.inner + writes, sizes.kernel)
        self.q_conv = CausalConv(writes, sizes.kernel)
        self.space = StateSpace(sizes)

    def forward(self, q_BLd: Tensor, u_BLd: Tensor, s_BHL: Tensor | None) -> Tensor:
        """Two ``(B, L, d)`` streams to one."""
        xB, dt_BLH = self.u_proj(u_BLd).split(self.splits, dim=-1)
        x_BLD, B_BLE = self.u_conv(xB).split(self.parts, dim=-1)
        C_BLE = self.q_conv(self.q_proj(q_BLd))
        z_BLD = self.z_proj(q_BLd + u_BLd)
        out: Tensor = self.space(x_BLD, B_BLE, C_BLE, dt_BLH, z_BLD, s_BHL)
        return out


def _split(x: Tensor, parts: int) -> Tensor:
    """``(…, parts·width)`` to ``(…, parts, width)``."""
    return x.reshape(*x.shape[:-1], parts, -1)
