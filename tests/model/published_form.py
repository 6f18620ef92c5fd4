"""MMM4Rec in its window form a second time, from the equations of MODELS §1 alone: loops, one user at a time, float64.

It shares nothing with ``model``: published names in, user vectors and scores out. ``random_weights`` draws weights
of every published name.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Sizes:
    """The published config's keys that matter, small."""

    hidden_size: int = 8
    inner_size: int = 12
    num_layers: int = 1
    d_state: int = 3
    n_groups: int = 2
    d_conv: int = 4
    expand: int = 2
    head_dim: int = 4
    max_len: int = 7
    temperature: float = 0.7
    item_mm_fusion: str = "static"
    is_time: bool = True
    is_ffn: bool = True
    p2p_residual: bool = False
    norm_eps: float = 1e-12

    @property
    def heads(self) -> int:
        return self.hidden_size * self.expand // self.head_dim

    def config(self) -> dict[str, Any]:
        return asdict(self)


def random_weights(sizes: Sizes, id_bias: bool, items: int = 11, features: int = 5, seed: int = 0) -> Weights:
    """Float32 weights under the published names, feature buffers included; the twin TiSSD is the same tensor."""
    random = torch.Generator().manual_seed(seed)
    weights: Weights = {}

    def draw(name: str, *shape: int, around: float = 0.0, spread: float = 0.4) -> None:
        weights[name] = around + spread * torch.randn(shape, generator=random)

    def linear(name: str, wide: int, out: int) -> None:
        draw(f"{name}.weight", out, wide)
        draw(f"{name}.bias", out)

    def norm(name: str, width: int, bias: bool = True) -> None:
        draw(f"{name}.weight", width, around=1.0)
        if bias:
            draw(f"{name}.bias", width)

    def conv(name: str, channels: int) -> None:
        draw(f"{name}.weight", channels, 1, sizes.d_conv)
        draw(f"{name}.bias", channels)

    d, L, H, inner = sizes.hidden_size, sizes.max_len, sizes.heads, sizes.hidden_size * sizes.expand
    GN = sizes.n_groups * sizes.d_state
    for modality in ("text", "vision"):
        draw(f"{modality}_embedding", items + 1, features, spread=1.0)
        linear(f"{modality}_adapter.0", features, d)
        norm(f"{modality}_in_layer_norm", d)
        if id_bias:
            draw(f"{modality}_item_embedding_bias", items + 1, d)
    fusion = {"static": (), "dynamic_shared": (2,), "dynamic_instance": (items + 1, 2)}[sizes.item_mm_fusion]
    draw("fusion_factor", *fusion, spread=1.0)
    if sizes.is_time:
        norm("layer_norm_time", L)
    for i in range(sizes.num_layers):
        text, fused = f"encoder_ssd_layers.{i}", f"decoder_ssd_layers.{i}"
        for ssd in (f"{text}.ssd", f"{fused}.co_ssd"):
            draw(f"{ssd}.A_log", H)
            draw(f"{ssd}.D", H)
            draw(f"{ssd}.dt_bias", H)
            norm(f"{ssd}.norm", inner, bias=False)
            linear(f"{ssd}.out_proj", inner, d)
            if sizes.is_time:
                linear(f"{ssd}.mlp4time_scale.1", L, L)
                linear(f"{ssd}.mlp4time_scale.3", L, L)
                conv(f"{ssd}.conv1d4time_1", H)
                conv(f"{ssd}.conv1d4time_2", H)
        linear(f"{text}.ssd.in_proj", d, 2 * inner + 2 * GN + H)
        conv(f"{text}.ssd.conv1d_1", inner + 2 * GN)
        linear(f"{fused}.co_ssd.u_in_proj", d, inner + GN + H)
        linear(f"{fused}.co_ssd.q_in_proj", d, GN)
        linear(f"{fused}.co_ssd.z_in_proj", d, inner)
        conv(f"{fused}.co_ssd.u_conv1d", inner + GN)
        conv(f"{fused}.co_ssd.q_conv1d", GN)
        if sizes.is_time:
            linear(f"{text}.ssd.time_gate_residual.1", L, L if sizes.p2p_residual else 1)
            norm(f"{text}.ssd.time_layer_norm", L)
            for part in ("text", "vision", "co"):
                linear(f"{fused}.{part}_complex_weight.0.real", L // 2 + 1, L // 2 + 1)
                linear(f"{fused}.{part}_complex_weight.0.imag", L // 2 + 1, L // 2 + 1)
        norm(f"{text}.layer_norm", d)
        norm(f"{fused}.layer_norm", d)
        norm(f"{fused}.co_layer_norm", d)
        if sizes.is_ffn:
            for side in (text, fused):
                linear(f"{side}.ffn.fc1", d, sizes.inner_size)
                linear(f"{side}.ffn.fc2", sizes.inner_size, d)
                norm(f"{side}.ffn.layer_norm", d)
        for name in [name for name in weights if name.startswith(f"{text}.ssd.")]:
            weights[name.replace("encoder", "decoder")] = weights[name]
    return weights


class Naive:
    """The equations, one user's history after another."""

    def __init__(self, weights: Weights, sizes: Sizes) -> None:
        self.w = {name: value.double() for name, value in weights.items()}
        self.sizes = sizes

    def user(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        rows = zip(items_BL, lengths_B.tolist(), timestamps_BL, strict=True)
        return torch.stack([self._one(items, length, times) for items, length, times in rows])

    def score(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        """§1.9, with the two dot products apart."""
        users = self.user(items_BL, lengths_B, timestamps_BL)
        text, vision = (self._embedding(m) for m in ("text", "vision"))
        scores = torch.zeros(len(users), len(text), dtype=torch.float64)
        for b, u in enumerate(users):
            for n in range(len(text)):
                w = {
                    "static": lambda n: torch.ones(2),
                    "dynamic_shared": lambda n: self.w["fusion_factor"].softmax(0),
                    "dynamic_instance": lambda n: self.w["fusion_factor"][n].softmax(0),
                }[self.sizes.item_mm_fusion](n)
                hats = [e[n] / e[n].square().sum().sqrt() for e in (text, vision)]
                scores[b, n] = (w[0] * (u @ hats[0]) + w[1] * (u @ hats[1])) / self.sizes.temperature
        return scores

    def _one(self, items_L: Tensor, length: int, times_L: Tensor) -> Tensor:
        u = self._norm(self._embedding("text")[items_L], "text_in_layer_norm")
        v = self._norm(self._embedding("vision")[items_L], "vision_in_layer_norm")
        tau_t = tau_v = self._tau(times_L) if self.sizes.is_time else None
        for i in range(self.sizes.num_layers):
            text, fused = f"encoder_ssd_layers.{i}", f"decoder_ssd_layers.{i}"
            y_t, tau_t = self._tissd(u, tau_t, f"{text}.ssd")
            y_v, tau_v = self._tissd(v, tau_v, f"{text}.ssd")
            u = self._ffn(self._norm(y_t + u, f"{text}.layer_norm"), f"{text}.ffn")
            h_v = self._norm(y_v + v, f"{fused}.layer_norm")
            tau_c = self._filter(tau_t, tau_v, fused) if tau_t is not None and tau_v is not None else None
            cross = self._cross(h_v, u, tau_c, f"{fused}.co_ssd")
            v = self._ffn(self._norm(cross + h_v + u, f"{fused}.co_layer_norm"), f"{fused}.ffn")
        return v[max(length - 1, 0)]

    def _embedding(self, modality: str) -> Tensor:
        table = self._linear(self.w[f"{modality}_embedding"], f"{modality}_adapter.0")
        bias = self.w.get(f"{modality}_item_embedding_bias")
        return table if bias is None else table + bias

    def _tau(self, times_L: Tensor) -> Tensor:
        gaps = [0.0] + [float(times_L[i] - times_L[i - 1]) for i in range(1, len(times_L))]
        tau = self._norm(torch.tensor(gaps, dtype=torch.float64), "layer_norm_time")
        return torch.stack([tau] * self.sizes.heads)  # (H, L)

    def _tissd(self, x: Tensor, tau: Tensor | None, name: str) -> tuple[Tensor, Tensor | None]:
        D, GN = self.sizes.hidden_size * self.sizes.expand, self.sizes.n_groups * self.sizes.d_state
        projected = self._linear(x, f"{name}.in_proj")
        z, xBC, dt = projected[:, :D], projected[:, D : 2 * D + 2 * GN], projected[:, 2 * D + 2 * GN :]
        xBC = self._conv(xBC, f"{name}.conv1d_1")
        s = self._time_scale(tau, name) if tau is not None else None
        y = self._ssd(xBC[:, :D], xBC[:, D : D + GN], xBC[:, D + GN :], dt, z, s, name)
        if tau is None or s is None:
            return y, None
        g = torch.sigmoid(self._linear(tau, f"{name}.time_gate_residual.1"))
        return y, self._norm(g * tau + (1 - g) * s, f"{name}.time_layer_norm")

    def _cross(self, q: Tensor, u: Tensor, tau: Tensor | None, name: str) -> Tensor:
        D, GN = self.sizes.hidden_size * self.sizes.expand, self.sizes.n_groups * self.sizes.d_state
        projected = self._linear(u, f"{name}.u_in_proj")
        xB, dt = self._conv(projected[:, : D + GN], f"{name}.u_conv1d"), projected[:, D + GN :]
        C = self._conv(self._linear(q, f"{name}.q_in_proj"), f"{name}.q_conv1d")
        z = self._linear(q + u, f"{name}.z_in_proj")
        s = self._time_scale(tau, name) if tau is not None else None
        return self._ssd(xB[:, :D], xB[:, D:], C, dt, z, s, name)

    def _time_scale(self, tau: Tensor, name: str) -> Tensor:
        hidden = _silu(self._linear(tau, f"{name}.mlp4time_scale.1"))
        scale = self._linear(hidden, f"{name}.mlp4time_scale.3")
        s = tau * (scale - torch.tanh(scale))
        for conv in ("conv1d4time_1", "conv1d4time_2"):
            s = self._conv(s.T, f"{name}.{conv}").T
        return s

    def _ssd(self, x: Tensor, B: Tensor, C: Tensor, dt: Tensor, z: Tensor, s: Tensor | None, name: str) -> Tensor:
        """The double sum of §1.3, head by head, then gate, norm and the way out."""
        sizes = self.sizes
        P, N, per_group = sizes.head_dim, sizes.d_state, sizes.heads // sizes.n_groups
        if s is not None:
            dt = dt * s.T
        dt = torch.log1p(torch.exp(dt + self.w[f"{name}.dt_bias"]))
        A = -torch.exp(self.w[f"{name}.A_log"])
        y = torch.zeros_like(x)
        for h in range(sizes.heads):
            group, head = slice(h // per_group * N, (h // per_group + 1) * N), slice(h * P, (h + 1) * P)
            for position in range(len(x)):
                total = self.w[f"{name}.D"][h] * dt[position, h] * x[position, head]
                for j in range(position + 1):
                    decay = torch.exp(A[h] * dt[j + 1 : position + 1, h].sum())
                    total = total + decay * (C[position, group] @ B[j, group]) * dt[j, h] * x[j, head]
                y[position, head] = total
        gated = y * _silu(z)
        rms = (gated.square().mean(-1, keepdim=True) + sizes.norm_eps).sqrt()
        return self._linear(gated / rms * self.w[f"{name}.norm.weight"], f"{name}.out_proj")

    def _filter(self, tau_t: Tensor, tau_v: Tensor, name: str) -> Tensor:
        L = self.sizes.max_len
        S_t, S_v = (torch.fft.rfft(tau, norm="ortho") for tau in (tau_t, tau_v))
        S_t = self._complex(S_t, f"{name}.vision_complex_weight.0") * S_t  # the published names are crossed
        S_v = self._complex(S_v, f"{name}.text_complex_weight.0") * S_v
        return torch.fft.irfft(self._complex(S_t + S_v, f"{name}.co_complex_weight.0"), n=L, norm="ortho")

    def _complex(self, S: Tensor, name: str) -> Tensor:
        def real(x: Tensor) -> Tensor:
            return self._linear(x, f"{name}.real")

        def imag(x: Tensor) -> Tensor:
            return self._linear(x, f"{name}.imag")

        return torch.complex(real(S.real) - imag(S.imag), imag(S.real) + real(S.imag))

    def _ffn(self, h: Tensor, name: str) -> Tensor:
        if not self.sizes.is_ffn:
            return h
        a = self._linear(h, f"{name}.fc1")
        hardswish = a * (a + 3).clamp(0, 6) / 6
        return self._norm(self._linear(hardswish, f"{name}.fc2") + h, f"{name}.layer_norm")

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return x @ self.w[f"{name}.weight"].T + self.w[f"{name}.bias"]

    def _norm(self, x: Tensor, name: str) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + self.sizes.norm_eps).sqrt()
        return scaled * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]

    def _conv(self, x_LC: Tensor, name: str) -> Tensor:
        weight, bias = self.w[f"{name}.weight"][:, 0], self.w[f"{name}.bias"]
        K = weight.shape[1]
        out = torch.zeros_like(x_LC)
        for position in range(len(x_LC)):
            out[position] = bias
            for back in range(min(K, position + 1)):
                out[position] = out[position] + weight[:, K - 1 - back] * x_LC[position - back]
        return _silu(out)


def _silu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(x)


def draw_histories(sizes: Sizes, items: int = 11, seed: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Items, lengths, timestamps of five users: lengths 1, 2, L-1, L, L; seconds from 2018 on."""
    random = torch.Generator().manual_seed(seed)
    L = sizes.max_len
    lengths = torch.tensor([1, 2, L - 1, L, L])
    valid = torch.arange(L) < lengths[:, None]
    ids = torch.randint(1, items + 1, (len(lengths), L), generator=random)
    gaps = (torch.rand(len(lengths), L, generator=random) * 16).exp().long()
    return ids * valid, lengths, (1_514_764_800 + gaps.cumsum(1)) * valid
