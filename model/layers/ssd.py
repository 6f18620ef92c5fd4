"""The two SSD blocks of MMM4Rec: TiSSD on one stream, Cross-SSD between two (MODELS §1.3, §1.7).

Shapes: B batch, L positions, d hidden, D = expand·d inner, H heads, P = D/H, G groups, N state, K kernel.
``s_BLH`` is the time signal on its way into dt, None where time is off. R reads: the positions whose output is
wanted, all of them or a row's last few. What each part of a projection gives is computed apart: splitting one
wide output would join its gradients again, a copy as large as the output, and few reads need less of it.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.conv import CausalConv
from model.layers.linear import WideLinear, split_linear
from model.layers.norm import GatedRMSNorm
from model.layers.sizes import check_sizes
from model.ops.last import take, widen
from model.ops.ssd import Skip, ssd, ssd_step, ssd_with_state
from model.ops.ssd_at import ssd_at
from model.state import Carry

_Given = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
"""``x, dt, A, B, C, D`` of the scan."""


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
    time: Literal["scale", "shift"] = "scale"
    norm_eps: float = 1e-12

    def __post_init__(self) -> None:
        names = ("hidden", "expand", "head_dim", "groups", "state", "kernel")
        check_sizes(**{name: getattr(self, name) for name in names})
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
        self,
        x_BLD: Tensor,
        B_BLE: Tensor,
        C_BRE: Tensor,
        dt_BLH: Tensor,
        z_BRD: Tensor,
        s_BLH: Tensor | None,
        at_BR: Tensor | None,
        carry: Carry | None,
    ) -> Tensor:
        """Scan and gate: ``(B, R, d)``. ``E = G·N``; ``s`` scales or shifts dt before its bias."""
        sizes = self.sizes
        if s_BLH is not None:
            dt_BLH = dt_BLH * s_BLH if sizes.time == "scale" else dt_BLH + s_BLH
        dt_BLH = F.softplus(dt_BLH + self.dt_bias)
        if carry is not None and carry.click:
            y_BRD = self._click(x_BLD, dt_BLH, B_BLE, C_BRE, carry)
        else:
            x_BLHP = _split(x_BLD, sizes.heads)
            B_BLGN, C_BRGN = _split(B_BLE, sizes.groups), _split(C_BRE, sizes.groups)
            y_BRD = self._scan((x_BLHP, dt_BLH, self._rates(), B_BLGN, C_BRGN, self.D), at_BR, carry).flatten(-2)
        out: Tensor = self.out_proj(self.norm(y_BRD, z_BRD))
        return out

    def _rates(self) -> Tensor:
        """``A_H``."""
        return -torch.exp(self.A_log.to(torch.promote_types(self.A_log.dtype, torch.float32)))

    def _scan(self, given: _Given, at_BR: Tensor | None, carry: Carry | None) -> Tensor:
        """``(B, R, H, P)``: the whole scan, few reads of it, or the scan going on from a state."""
        sizes = self.sizes
        if at_BR is not None:
            return ssd_at(*given, at_BR, sizes.skip)
        if carry is None:
            return ssd(*given, sizes.skip)
        initial = carry.take("ssd", self._state, given[0])
        y, final = ssd_with_state(*given, sizes.skip, initial_BHNP=initial, lengths_B=carry.lengths_B)
        carry.give("ssd", final)
        return y

    def _click(self, x_B1D: Tensor, dt_B1H: Tensor, B_B1E: Tensor, C_B1E: Tensor, carry: Carry) -> Tensor:
        """``(B, 1, D)``: one position of the scan."""
        sizes, users = self.sizes, x_B1D.shape[0]
        x_BH1P = x_B1D.reshape(users, sizes.heads, 1, sizes.head_dim)
        dt_BH11 = dt_B1H.reshape(users, sizes.heads, 1, 1)
        B_BGN1 = B_B1E.reshape(users, sizes.groups, sizes.state, 1)
        C_BG1N = C_B1E.reshape(users, sizes.groups, 1, sizes.state)
        A_H11, D_H11 = carry.constant("rates", lambda: (self._rates()[:, None, None], self.D[:, None, None]))
        before_BHNP = carry.take("ssd", self._state, x_BH1P)
        y_BH1P, after_BHNP = ssd_step(
            x_BH1P, dt_BH11, A_H11, B_BGN1, C_BG1N, D_H11, before_BHNP, sizes.skip, in_place=carry.consume
        )
        carry.give("ssd", after_BHNP)
        return y_BH1P.reshape(users, 1, sizes.inner)

    @property
    def _state(self) -> tuple[int, int, int]:
        return self.sizes.heads, self.sizes.state, self.sizes.head_dim


class TiSSD(nn.Module):
    """Time-aware SSD over one stream: ``in_proj(x) → z, x, B, C, dt``, convolution, scan, gate."""

    def __init__(self, sizes: SSDSizes) -> None:
        super().__init__()
        writes = sizes.groups * sizes.state
        self.parts = [sizes.inner, sizes.inner, writes, writes, sizes.heads]
        self.in_proj = WideLinear(sizes.hidden, sum(self.parts))
        self.conv = CausalConv(sizes.inner + 2 * writes, sizes.kernel)
        self.space = StateSpace(sizes)

    def forward(
        self, x_BLd: Tensor, s_BLH: Tensor | None, at_BR: Tensor | None = None, carry: Carry | None = None
    ) -> Tensor:
        """``(B, L, d)`` to the same, or to ``(B, R, d)`` at consecutive positions of each row."""
        if carry is None:
            x_BLD, B_BLE, C_BRE, dt_BLH, z_BRD = self._project(x_BLd, at_BR)
        else:
            x_BLD, B_BLE, C_BRE, dt_BLH, z_BRD = self._project_carried(x_BLd, carry)
        out: Tensor = self.space(x_BLD, B_BLE, C_BRE, dt_BLH, z_BRD, s_BLH, at_BR, carry)
        return out

    def _project(self, x_BLd: Tensor, at_BR: Tensor | None) -> tuple[Tensor, ...]:
        """``x, B, C, dt, z``; z and C at few positions where these are given, C from those that lead in too."""
        to_z, to_x, to_B, to_C, to_dt = split_linear(self.in_proj, self.parts)
        conv_x, conv_B, conv_C = self.conv.split(self.parts[1:4])
        wide_BS = None if at_BR is None else widen(at_BR, self.conv.kernel - 1)
        read_BSd = x_BLd if wide_BS is None else take(x_BLd, wide_BS)
        gate_BRd = read_BSd if wide_BS is None else read_BSd[:, self.conv.kernel - 1 :]
        C_BRE = conv_C(to_C(read_BSd), wide_BS)
        return conv_x(to_x(x_BLd)), conv_B(to_B(x_BLd)), C_BRE, to_dt(x_BLd), to_z(gate_BRd)

    def _project_carried(self, x_BLd: Tensor, carry: Carry) -> tuple[Tensor, ...]:
        """The same: without gradients to join, one product and one convolution are quicker than many."""
        inner, _, writes, _, heads = self.parts
        mixed = [inner, writes, writes]
        z_BLD, xBC, dt_BLH = self.in_proj(x_BLd).split_with_sizes([inner, sum(mixed), heads], dim=-1)
        x_BLD, B_BLE, C_BLE = self.conv(xBC, carry=carry.of("conv")).split_with_sizes(mixed, dim=-1)
        return x_BLD, B_BLE, C_BLE, dt_BLH, z_BLD


class CrossSSD(nn.Module):
    """SSD from a query stream into another: u writes the state, q reads it, their sum gates."""

    def __init__(self, sizes: SSDSizes) -> None:
        super().__init__()
        writes = sizes.groups * sizes.state
        self.parts = [sizes.inner, writes, sizes.heads]
        self.u_proj = WideLinear(sizes.hidden, sum(self.parts))
        self.q_proj = WideLinear(sizes.hidden, writes)
        self.z_proj = WideLinear(sizes.hidden, sizes.inner)
        self.u_conv = CausalConv(sizes.inner + writes, sizes.kernel)
        self.q_conv = CausalConv(writes, sizes.kernel)
        self.space = StateSpace(sizes)

    def forward(
        self,
        q_BSd: Tensor,
        u_BLd: Tensor,
        s_BLH: Tensor | None,
        at_BR: Tensor | None = None,
        carry: Carry | None = None,
    ) -> Tensor:
        """Two ``(B, L, d)`` streams to one.

        With ``at``, consecutive positions of each row, to ``(B, R, d)``; q is then given at these and the
        kernel's K - 1 positions before them, ``S = R + K - 1``.
        """
        x_BLD, B_BLE, dt_BLH = self._write(u_BLd, carry)
        if at_BR is None:
            C_BRE = self.q_conv(self.q_proj(q_BSd), carry=carry and carry.of("q_conv"))
            gate_BRd = q_BSd + u_BLd
        else:
            past = self.q_conv.kernel - 1
            C_BRE = self.q_conv(self.q_proj(q_BSd), widen(at_BR, past))
            gate_BRd = q_BSd[:, past:] + take(u_BLd, at_BR)
        out: Tensor = self.space(x_BLD, B_BLE, C_BRE, dt_BLH, self.z_proj(gate_BRd), s_BLH, at_BR, carry)
        return out

    def _write(self, u_BLd: Tensor, carry: Carry | None) -> tuple[Tensor, Tensor, Tensor]:
        """``x, B, dt``; see ``TiSSD``."""
        inner, writes, heads = self.parts
        if carry is None:
            to_x, to_B, to_dt = split_linear(self.u_proj, self.parts)
            conv_x, conv_B = self.u_conv.split([inner, writes])
            return conv_x(to_x(u_BLd)), conv_B(to_B(u_BLd)), to_dt(u_BLd)
        xB, dt_BLH = self.u_proj(u_BLd).split_with_sizes([inner + writes, heads], dim=-1)
        x_BLD, B_BLE = self.u_conv(xB, carry=carry.of("u_conv")).split_with_sizes([inner, writes], dim=-1)
        return x_BLD, B_BLE, dt_BLH


def _split(x: Tensor, parts: int) -> Tensor:
    """``(…, parts·width)`` to ``(…, parts, width)``."""
    return x.reshape(*x.shape[:-1], parts, x.shape[-1] // parts)
