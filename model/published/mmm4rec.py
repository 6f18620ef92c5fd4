"""Published MMM4Rec weights, under their own names, as our window form.

Sizes that show in the weights' shapes are read off them; the config tells the rest.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from model.mmm4rec_window import WindowMMM4Rec

_SPACE = {name: f"space.{name}" for name in ("A_log", "D", "dt_bias", "norm", "out_proj")}
_SCALE = {
    "mlp4time_scale.1": "first",
    "mlp4time_scale.3": "second",
    "conv1d4time_1": "convs.0",
    "conv1d4time_2": "convs.1",
}
_TISSD = (
    {name: f"ssd.{ours}" for name, ours in _SPACE.items()}
    | {name: f"time.scale.{ours}" for name, ours in _SCALE.items()}
    | {"in_proj": "ssd.in_proj", "conv1d_1": "ssd.conv"}
    | {"time_gate_residual.1": "time.residual.gate", "time_layer_norm": "time.residual.norm"}
)
_CROSS = (
    {name: f"cross.{ours}" for name, ours in _SPACE.items()}
    | {name: f"time.cross_scale.{ours}" for name, ours in _SCALE.items()}
    | {"u_in_proj": "cross.u_proj", "q_in_proj": "cross.q_proj", "z_in_proj": "cross.z_proj"}
    | {"u_conv1d": "cross.u_conv", "q_conv1d": "cross.q_conv"}
)
#: Published name inside a layer → ours. TiSSD is one set of weights under two published names. The published
#: text filter is applied to the vision signal, and the other way round.
_LAYER = {
    **{f"{side}_ssd_layers.*.ssd.{name}": ours for side in ("encoder", "decoder") for name, ours in _TISSD.items()},
    **{f"decoder_ssd_layers.*.co_ssd.{name}": ours for name, ours in _CROSS.items()},
    "encoder_ssd_layers.*.layer_norm": "text_norm",
    "encoder_ssd_layers.*.ffn.fc1": "text_ffn.widen",
    "encoder_ssd_layers.*.ffn.fc2": "text_ffn.narrow",
    "encoder_ssd_layers.*.ffn.layer_norm": "text_ffn.norm",
    "decoder_ssd_layers.*.layer_norm": "image_norm",
    "decoder_ssd_layers.*.co_layer_norm": "cross_norm",
    "decoder_ssd_layers.*.ffn.fc1": "cross_ffn.widen",
    "decoder_ssd_layers.*.ffn.fc2": "cross_ffn.narrow",
    "decoder_ssd_layers.*.ffn.layer_norm": "cross_ffn.norm",
    "decoder_ssd_layers.*.text_complex_weight.0": "time.filter.image",
    "decoder_ssd_layers.*.vision_complex_weight.0": "time.filter.text",
    "decoder_ssd_layers.*.co_complex_weight.0": "time.filter.joint",
}
_TOP = {
    "text_adapter.0": "items.tables.text.adapter",
    "vision_adapter.0": "items.tables.image.adapter",
    "text_item_embedding_bias": "items.tables.text.id_bias",
    "vision_item_embedding_bias": "items.tables.image.id_bias",
    "text_in_layer_norm": "text_norm",
    "vision_in_layer_norm": "image_norm",
    "fusion_factor": "items.fusion",
    "layer_norm_time": "gaps.norm",
}
_FEATURES = {"text": "text_embedding", "image": "vision_embedding"}
_ADAPTERS = {"text": "text_adapter.0.weight", "image": "vision_adapter.0.weight"}


def read_mmm4rec(weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Arguments of ``WindowMMM4Rec`` and its weights under our names; feature buffers left out.

    Args:
        weights: by published name.
        config: published keys; of these ``n_groups``, ``max_len``, ``temperature``,
            ``item_mm_fusion``, ``is_time`` and ``is_ffn`` do not show in the weights.

    Raises:
        ValueError: a weight with a name that the published implementation does not have, or a missing one.
    """
    arguments = _arguments(weights, config)
    ours: dict[str, Tensor] = {}
    for name, value in weights.items():
        if name in _FEATURES.values() or (name == "fusion_factor" and arguments["fusion"] == "static"):
            continue
        renamed = _rename(name)
        if not arguments["time"] and (renamed.startswith("gaps.") or ".time." in renamed):
            continue
        known = ours.setdefault(renamed, value)
        if not torch.equal(known, value):
            raise ValueError(f"published weights: {name!r} differs from its shared twin; the file is not MMM4Rec's")
    return arguments, ours


def load_mmm4rec(weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> WindowMMM4Rec:
    """The published model, in evaluation mode, feature buffers and all.

    Args:
        weights: by published name, the feature buffers (``text_embedding``, ``vision_embedding``) included.
        config: see ``read_mmm4rec``.

    Raises:
        ValueError: feature buffers left out, or weights that do not fit the config.
    """
    arguments, state = read_mmm4rec(weights, config)
    absent = [_FEATURES[m] for m in arguments["modalities"] if _FEATURES[m] not in weights]
    if absent:
        raise ValueError(
            f"published weights without the feature buffers {absent}: add them, or convert the checkpoint "
            "(python -m trainer.convert), which takes features from the domain"
        )
    tables = {m: weights[_FEATURES[m]] for m in arguments["modalities"]}
    model = WindowMMM4Rec(**arguments)
    rows = len(next(iter(tables.values())))
    model.bind(
        rows - 1,
        {m: table[1:] for m, table in tables.items()},
        {m: torch.ones(rows - 1, dtype=torch.bool) for m in tables},
    )
    for m, table in tables.items():  # the published padding row need not be zero
        model.items.tables[m].get_buffer("features").copy_(table)
        state[f"items.tables.{m}.missing"] = torch.zeros(arguments["hidden"])
    try:
        model.load_state_dict(state)
    except RuntimeError as error:  # its second line names the first tensor
        first = str(error).splitlines()[1].strip()
        raise ValueError(f"published weights: they do not fit the config or are cut short: {first}") from None
    return model.eval()


def _rename(name: str) -> str:
    layer = re.search(r"_ssd_layers\.(\d+)\.", name)
    if layer:
        generic, prefix, table = re.sub(r"_layers\.\d+\.", "_layers.*.", name), f"layers.{layer[1]}.", _LAYER
    else:
        generic, prefix, table = name, "", _TOP
    head, _, last = generic.rpartition(".")
    for known, tail in ((generic, ""), (head, f".{last}")):
        if known in table:
            return prefix + table[known] + tail
    # the complex filters' last two parts are real|imag and weight|bias
    deeper, _, part = head.rpartition(".")
    if deeper in table:
        return f"{prefix}{table[deeper]}.{part}.{last}"
    raise ValueError(f"published weights: no tensor named {name!r} in MMM4Rec; is this another system's checkpoint?")


def _arguments(weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Any]:
    modalities = [m for m, name in _ADAPTERS.items() if name in weights]
    first = "encoder_ssd_layers.0.ssd."
    needed = [f"{first}{name}" for name in ("A_log", "in_proj.weight", "out_proj.weight", "conv1d_1.weight")]
    if not modalities or (absent := [name for name in needed if name not in weights]):
        raise ValueError(
            f"published weights: no {absent[0] if modalities else 'MMM4Rec adapter'} in them; "
            "is this another system's checkpoint?"
        )
    hidden = weights[_ADAPTERS[modalities[0]]].shape[0]
    inner = weights[f"{first}out_proj.weight"].shape[1]
    heads = len(weights[f"{first}A_log"])
    groups = int(config.get("n_groups", heads))
    ffn = weights.get("encoder_ssd_layers.0.ffn.fc1.weight")
    gate = weights.get(f"{first}time_gate_residual.1.weight")
    conv = weights[f"{first}conv1d_1.weight"]
    window = len(weights["layer_norm_time.weight"]) if "layer_norm_time.weight" in weights else 20
    return {
        "modalities": modalities,
        "hidden": hidden,
        "inner": hidden if ffn is None else ffn.shape[0],
        "layers": 1 + max(int(found[1]) for name in weights if (found := re.match(r"encoder_ssd_layers\.(\d+)", name))),
        "window": int(config.get("max_len", window)),
        "state": (conv.shape[0] - inner) // (2 * groups),
        "head_dim": inner // heads,
        "groups": groups,
        "kernel": conv.shape[2],
        "expand": inner // hidden,
        "temperature": float(config.get("temperature", 0.8)),
        "id_bias": any(name.endswith("_item_embedding_bias") for name in weights),
        "fusion": config.get("item_mm_fusion", "static"),
        "time": bool(config.get("is_time", gate is not None)),
        "ffn": bool(config.get("is_ffn", ffn is not None)),
        "p2p_residual": gate is not None and gate.shape[0] > 1,
        "norm_eps": float(config.get("norm_eps", 1e-12)),
    }
