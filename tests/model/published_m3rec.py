"""M3Rec as published a second time, from the equations of MODELS §3 alone: loops, one user at a time, float64.

It shares nothing with ``model``: published names in, user vectors and scores out. ``random_weights`` draws weights
of every published name.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

Weights = dict[str, Tensor]
SCALES = {"img": "img_alpha", "text": "text_beta"}


@dataclass(frozen=True)
class Sizes:
    """The published config's keys that matter, small."""

    hidden_size: int = 6
    num_layers: int = 1
    d_state: int = 3
    d_conv: int = 4
    expand: int = 2
    dropout_prob: float = 0.3

    @property
    def inner(self) -> int:
        return self.hidden_size * self.expand

    @property
    def rank(self) -> int:
        return math.ceil(self.hidden_size / 16)

    def config(self) -> dict[str, Any]:
        return asdict(self)


def random_weights(sizes: Sizes, items: int = 11, features: int = 5, seed: int = 0) -> Weights:
    """Float32 weights under the published names, feature buffers and their padding row included."""
    random = torch.Generator().manual_seed(seed)
    weights: Weights = {}
    d, inner, rank, state = sizes.hidden_size, sizes.inner, sizes.rank, sizes.d_state

    def draw(name: str, *shape: int, around: float = 0.0, spread: float = 0.4) -> None:
        weights[name] = around + spread * torch.randn(shape, generator=random)

    def linear(name: str, wide: int, out: int) -> None:
        draw(f"{name}.weight", out, wide)
        draw(f"{name}.bias", out)

    def norm(name: str) -> None:
        draw(f"{name}.weight", d, around=1.0)
        draw(f"{name}.bias", d)

    draw("item_embedding.weight", items + 1, d, spread=1.0)
    norm("LayerNorm")
    for modality, scale in SCALES.items():
        draw(f"{modality}_feat.weight", items + 1, features, spread=1.0)
        linear(f"{modality}_trans.0", features, d)
        linear(f"{modality}_trans.2", d, d)
        norm(f"{modality}_LayerNorm")
        draw(scale, 1, around=1.0)
    for layer in range(sizes.num_layers):
        norm(f"mamba_block.{layer}.LayerNorm")
        mamba = f"mamba_block.{layer}.mamba"
        draw(f"{mamba}.in_proj.weight", 2 * inner, d)
        draw(f"{mamba}.conv1d.weight", inner, 1, sizes.d_conv)
        draw(f"{mamba}.conv1d.bias", inner)
        draw(f"{mamba}.x_proj.weight", rank + 2 * state, inner)
        linear(f"{mamba}.dt_proj", rank, inner)
        draw(f"{mamba}.A_log", inner, state)
        draw(f"{mamba}.D", inner, around=1.0)
        draw(f"{mamba}.out_proj.weight", d, inner)
        for stream in ("img", "text", "id"):
            linear(f"{stream}_mamba_ffn.{layer}.w_1", d, 4 * d)
            linear(f"{stream}_mamba_ffn.{layer}.w_2", 4 * d, d)
            norm(f"{stream}_mamba_ffn.{layer}.LayerNorm")
    return weights


class Naive:
    """Weights by published name, in float64."""

    def __init__(self, weights: Weights, sizes: Sizes) -> None:
        self.w = {name: value.double() for name, value in weights.items()}
        self.sizes = sizes
        self.tables = {modality: self._project(modality) for modality in SCALES}
        self.tables["id"] = self.w["item_embedding.weight"]

    def score(self, items_BL: Tensor, lengths_B: Tensor) -> Tensor:
        """``(B, I+1)``."""
        return self.user(items_BL, lengths_B) @ self._join(self.tables).T

    def user(self, items_BL: Tensor, lengths_B: Tensor) -> Tensor:
        """``(B, 3d)``."""
        users = zip(items_BL, lengths_B.tolist(), strict=True)
        return torch.stack([self._one(items_L[: max(length, 1)]) for items_L, length in users])

    def _one(self, items_L: Tensor) -> Tensor:
        streams = {}
        for stream, table in self.tables.items():
            x = self._norm(table[items_L], "LayerNorm" if stream == "id" else f"{stream}_LayerNorm")
            for layer in range(self.sizes.num_layers):
                block = f"mamba_block.{layer}"
                mixed = self._mamba(x, f"{block}.mamba")
                h = self._norm(mixed + x if self.sizes.num_layers > 1 else mixed, f"{block}.LayerNorm")
                x = self._expert(h, f"{stream}_mamba_ffn.{layer}")
            streams[stream] = x[-1]
        return self._join(streams)

    def _project(self, modality: str) -> Tensor:
        inner = self._linear(self.w[f"{modality}_feat.weight"], f"{modality}_trans.0")
        return self._linear(torch.where(inner > 0, inner, 0.01 * inner), f"{modality}_trans.2")

    def _join(self, parts: dict[str, Tensor]) -> Tensor:
        scaled = [self.w[scale] * parts[modality] for modality, scale in SCALES.items()]
        return torch.cat([*scaled, parts["id"]], dim=-1)

    def _mamba(self, x: Tensor, name: str) -> Tensor:
        """The recurrence, channel by channel."""
        inner, rank, state = self.sizes.inner, self.sizes.rank, self.sizes.d_state
        projected = x @ self.w[f"{name}.in_proj.weight"].T
        u, z = self._conv(projected[:, :inner], f"{name}.conv1d"), projected[:, inner:]
        of_u = u @ self.w[f"{name}.x_proj.weight"].T
        B, C = of_u[:, rank : rank + state], of_u[:, rank + state :]
        dt = torch.log1p(torch.exp(self._linear(of_u[:, :rank], f"{name}.dt_proj")))
        A = -torch.exp(self.w[f"{name}.A_log"])
        y = torch.zeros_like(u)
        for channel in range(inner):
            h = torch.zeros(state, dtype=torch.float64)
            for at in range(len(x)):
                h = torch.exp(dt[at, channel] * A[channel]) * h + dt[at, channel] * u[at, channel] * B[at]
                y[at, channel] = C[at] @ h + self.w[f"{name}.D"][channel] * u[at, channel]
        return (y * _silu(z)) @ self.w[f"{name}.out_proj.weight"].T

    def _conv(self, x_LC: Tensor, name: str) -> Tensor:
        weight, bias = self.w[f"{name}.weight"][:, 0], self.w[f"{name}.bias"]
        width = weight.shape[1]
        rows = [
            bias + sum(weight[:, width - 1 - back] * x_LC[at - back] for back in range(min(width, at + 1)))
            for at in range(len(x_LC))
        ]
        return _silu(torch.stack(rows))

    def _expert(self, h: Tensor, name: str) -> Tensor:
        inner = self._linear(h, f"{name}.w_1")
        gelu = inner * (1 + torch.erf(inner / math.sqrt(2))) / 2
        return self._norm(self._linear(gelu, f"{name}.w_2") + h, f"{name}.LayerNorm")

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return x @ self.w[f"{name}.weight"].T + self.w[f"{name}.bias"]

    def _norm(self, x: Tensor, name: str) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-12).sqrt()
        return scaled * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]


def _silu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(x)


def draw_histories(items: int = 11, length: int = 7, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Items and lengths of five users: lengths 1, 2, L-1, L, L."""
    random = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([1, 2, length - 1, length, length])
    valid = torch.arange(length) < lengths[:, None]
    return torch.randint(1, items + 1, (len(lengths), length), generator=random) * valid, lengths
