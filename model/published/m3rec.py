"""Published M3Rec weights, under their own names, as our published form.

All sizes but dropout show in the weights' shapes.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from model.layers.stream_items import IDS
from model.m3rec import M3Rec

#: In the order of the published vectors' parts; the ids come last.
_CONTENTS = {"img": "image", "text": "text"}
_FEATURES = {f"{theirs}_feat.weight": ours for theirs, ours in _CONTENTS.items()}
#: Pattern of published names → ours.
_NAMES = {
    r"item_embedding\.weight": f"items.tables.{IDS}.rows",
    r"img_alpha": "items.scales.image",
    r"text_beta": "items.scales.text",
    r"LayerNorm\.(\w+)": rf"norms.{IDS}.\1",
    r"mamba_block\.(\d+)\.LayerNorm\.(\w+)": r"layers.\1.norm.\2",
    r"mamba_block\.(\d+)\.mamba\.conv1d\.(\w+)": r"layers.\1.mamba.conv.\2",
    r"mamba_block\.(\d+)\.mamba\.(\w+|\w+_proj\.\w+)": r"layers.\1.mamba.\2",
}
for _theirs, _ours in _CONTENTS.items():
    _NAMES[rf"{_theirs}_LayerNorm\.(\w+)"] = rf"norms.{_ours}.\1"
    _NAMES[rf"{_theirs}_trans\.([02]\.\w+)"] = rf"items.tables.{_ours}.adapter.\1"
for _theirs, _ours in {**_CONTENTS, "id": IDS}.items():
    _expert = rf"{_theirs}_mamba_ffn\.(\d+)"
    _NAMES[rf"{_expert}\.w_1\.(\w+)"] = rf"layers.\1.experts.{_ours}.widen.\2"
    _NAMES[rf"{_expert}\.w_2\.(\w+)"] = rf"layers.\1.experts.{_ours}.narrow.\2"
    _NAMES[rf"{_expert}\.LayerNorm\.(\w+)"] = rf"layers.\1.experts.{_ours}.norm.\2"


def read_m3rec(weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Arguments of ``M3Rec`` and its weights under our names; feature buffers left out.

    Args:
        weights: by published name.
        config: published keys; of these only ``dropout_prob`` does not show in the weights.

    Raises:
        ValueError: a weight with a name that the published implementation does not have, or a missing one.
    """
    arguments = _arguments(weights, config)
    ours = {_rename(name): value for name, value in weights.items() if name not in _FEATURES}
    return arguments, {name: value.squeeze() if ".scales." in name else value for name, value in ours.items()}


def load_m3rec(weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> M3Rec:
    """The published model, in evaluation mode, feature buffers and all.

    Args:
        weights: by published name, the feature buffers (``img_feat.weight``, ``text_feat.weight``) included.
        config: see ``read_m3rec``.

    Raises:
        ValueError: feature buffers left out, or weights that do not fit each other.
    """
    arguments, state = read_m3rec(weights, config)
    if absent := [name for name in _FEATURES if name not in weights]:
        raise ValueError(f"published weights without the feature buffers {absent}: add them")
    tables = {ours: weights[name] for name, ours in _FEATURES.items()}
    items = len(tables["text"]) - 1
    model = M3Rec(**arguments)
    present = {name: torch.ones(items, dtype=torch.bool) for name in tables}
    model.bind(items, {name: table[1:] for name, table in tables.items()}, present)
    for name, table in tables.items():  # the published padding row need not be zero
        model.items.tables[name].get_buffer("features").copy_(table)
        state[f"items.tables.{name}.missing"] = torch.zeros(arguments["hidden"])
    try:
        model.load_state_dict(state)
    except RuntimeError as error:  # its second line names the first tensor
        first = str(error).splitlines()[1].strip()
        raise ValueError(f"published weights: they do not fit each other or are cut short: {first}") from None
    return model.eval()


def _rename(name: str) -> str:
    for pattern, ours in _NAMES.items():
        if found := re.fullmatch(pattern, name):
            return found.expand(ours)
    raise ValueError(f"published weights: no tensor named {name!r} in M3Rec; is this another system's checkpoint?")


def _arguments(weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Any]:
    first = "mamba_block.0.mamba."
    needed = ("A_log", "conv1d.weight", "out_proj.weight")
    if absent := [f"{first}{name}" for name in needed if f"{first}{name}" not in weights]:
        raise ValueError(f"published weights: no {absent[0]} in them; is this another system's checkpoint?")
    inner, state = weights[f"{first}A_log"].shape
    hidden = weights[f"{first}out_proj.weight"].shape[0]
    blocks = {int(found[1]) for name in weights if (found := re.match(r"mamba_block\.(\d+)\.", name))}
    return {
        "modalities": list(_CONTENTS.values()),
        "hidden": hidden,
        "layers": 1 + max(blocks),
        "state": state,
        "kernel": weights[f"{first}conv1d.weight"].shape[2],
        "expand": inner // hidden,
        "dropout": float(config.get("dropout_prob", 0.5)),
        "form": "published",
    }
