"""Our weights under the published names, as a published checkpoint holds them (feature buffers left out)."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from model.published.mmm4rec import _LAYER, _TOP


def published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every published name of every tensor; the vectors for missing content have none."""
    named: dict[str, Tensor] = {"fusion_factor": torch.tensor(0.0)}
    for name, value in state.items():
        layer = re.match(r"layers\.(\d+)\.", name)
        rest = name[layer.end() :] if layer else name
        for theirs, ours in (_LAYER if layer else _TOP).items():
            if rest == ours or rest.startswith(f"{ours}."):
                named[theirs.replace("*", layer[1] if layer else "") + rest[len(ours) :]] = value
    return named


def save_published(path: Path, state: Mapping[str, Tensor]) -> Path:
    torch.save({"model": published(state), "epoch": 13}, path)
    return path
