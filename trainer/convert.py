"""A published MMM4Rec checkpoint to one of ours: ``python -m trainer.convert --ckpt published.ckpt --out X.ckpt``."""

import logging
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import yaml
from tabulate import tabulate
from torch import Tensor

from data.command import run_command
from data.domain import Domain
from data.errors import bad, exit_on_bad_input
from data.files import atomic_file
from model import WindowMMM4Rec
from model.published import read_mmm4rec
from trainer.checkpoint import RECORD, load_plain, shape_differences

logger = logging.getLogger(__name__)

#: Published keys that do not show in the weights, and what may stand there.
_KEYS: dict[str, tuple[type, ...]] = {
    "n_groups": (int,),
    "max_len": (int,),
    "temperature": (int, float),
    "item_mm_fusion": (str,),
    "is_time": (bool,),
    "is_ffn": (bool,),
    "norm_eps": (int, float, str),  # the published yaml writes 1e-12, which YAML reads as a text
}
_FUSIONS = {0: "static", 1: "dynamic_shared", 2: "dynamic_instance"}
_SAVED = "Give a published MMM4Rec checkpoint: a dict whose entry 'model' holds its weights"


def convert(ckpt: Path, out: Path, config: Path | None = None, domain: Path | None = None) -> None:
    """Convert a published MMM4Rec checkpoint into one that main.py takes as --backbone.

    Feature tables are left out: they come from the domain. Rows an item stay, but only with ``domain`` is it known
    which item each belongs to, and only then can test.py and recommend.py use them. The vector that stands for
    missing content is new here; it starts as what the published model makes of a feature of zeros, its
    projection's bias, so that missing content (zeros in published features) gives the published scores.

    Args:
        ckpt: the published file, a dict whose entry ``model`` holds the weights.
        out: the checkpoint to write.
        config: yaml or json of the published run, for what does not show in the weights: n_groups (default: the
            number of heads), temperature (0.8), and what may be given to be sure: max_len, item_mm_fusion, is_time,
            is_ffn, norm_eps.
        domain: the published processed folder that it was trained on.

    Raises:
        ValueError: the file is not such a checkpoint, or does not fit the config or the domain.
    """
    weights = _published_weights(ckpt)
    keys = _published_config(config, weights)
    try:
        arguments, state = read_mmm4rec(weights, keys)
    except ValueError as error:
        raise bad(ckpt, str(error), _SAVED) from None
    except (KeyError, IndexError) as error:  # a tensor whose shape tells a size is missing or flat
        raise bad(ckpt, f"is not whole: {error} is missing or has another shape", _SAVED) from None
    for modality in arguments["modalities"]:
        state[f"items.tables.{modality}.missing"] = state[f"items.tables.{modality}.adapter.bias"]
    shop = Domain(domain) if domain is not None else None
    _check(ckpt, arguments, state, len(shop.items) if shop else None)
    checkpoint = {
        "state_dict": {f"system.{name}": value.detach().clone() for name, value in state.items()},
        "epoch": 0,
        "global_step": 0,
        "pytorch-lightning_version": version("lightning"),
        RECORD: _record(arguments, shop),
    }
    with atomic_file(out) as part, part.open("wb") as file:  # an open file: its name stays out of the bytes
        torch.save(checkpoint, file)
    logger.info("%s", tabulate(list(arguments.items()), ["argument", "value"]))
    logger.info("%d tensors: %s", len(state), out)


def _record(arguments: dict[str, Any], shop: Domain | None) -> dict[str, Any]:
    record = {"format": 1, "system": WindowMMM4Rec.__name__, "arguments": arguments, "window": arguments["window"]}
    if shop is None:
        return record | {"domain": "", "items": [], "features": {}}
    tables = {modality: shop.features(modality) for modality in arguments["modalities"]}
    made_by = {name: {"encoder": table.encoder, "options": table.options} for name, table in tables.items()}
    return record | {"domain": str(shop.path.resolve()), "items": shop.items, "features": made_by}


def _published_weights(path: Path) -> dict[str, Tensor]:
    content = load_plain(path)
    if "model" not in content:
        keys = ", ".join(map(str, list(content)[:8])) or "nothing"
        hint = "It is Tributary's already: use it as it is" if RECORD in content else _SAVED
        raise bad(path, f"has no entry 'model', but {keys}", hint)
    weights = content["model"]
    if not isinstance(weights, Mapping) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise bad(path, "its entry 'model' is not a dict of tensors", _SAVED)
    return {str(name): value for name, value in weights.items()}


def _published_config(path: Path | None, weights: Mapping[str, Tensor]) -> dict[str, Any]:
    keys = _read_config(path) if path is not None else {}
    factor = weights.get("fusion_factor")
    shown = _FUSIONS.get(factor.dim(), "static") if factor is not None else "static"
    if keys.setdefault("item_mm_fusion", shown) not in ("static", shown):
        what = f"item_mm_fusion is {keys['item_mm_fusion']!r}, but the weights' fusion_factor is that of {shown!r}"
        raise bad(path or "--config", what, "Give the config of the run that made the checkpoint")
    return keys


def _read_config(path: Path) -> dict[str, Any]:
    remedy = f"Give a yaml or json file with some of: {', '.join(_KEYS)}"
    try:
        content = yaml.safe_load(path.read_text())  # JSON is YAML too
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = mark.line + 1 if (mark := getattr(error, "problem_mark", None)) else None
        raise bad(path, f"neither yaml nor json ({getattr(error, 'problem', error)})", remedy, line) from None
    if not isinstance(content, dict) or not content.keys() & _KEYS.keys():
        raise bad(path, f"has none of the keys {', '.join(_KEYS)} at its top", remedy)
    keys = {name: content[name] for name in _KEYS if name in content}
    for name, value in keys.items():
        if type(value) not in _KEYS[name]:
            wanted = " or ".join(kind.__name__ for kind in _KEYS[name])
            raise bad(path, f"{name} is {value!r}, not {wanted}", remedy)
    return keys


def _check(path: Path, arguments: dict[str, Any], state: Mapping[str, Tensor], n_items: int | None) -> None:
    """Raise ``ValueError`` unless the weights are exactly those of a model built with the arguments."""
    bound = [value for name, value in state.items() if name.endswith(".id_bias")]
    items = n_items if n_items is not None else len(bound[0]) - 1 if bound else 1
    with torch.device("meta"):  # shapes only
        system = WindowMMM4Rec(**arguments)
        features: dict[str, Tensor] = {
            m: torch.empty(items, state[f"items.tables.{m}.adapter.weight"].shape[1]) for m in system.modalities
        }
        system.bind(items, features, {m: torch.ones(items, dtype=torch.bool) for m in features})
    differing = shape_differences(state, system)
    if wrong := [f"{name}: {theirs} in the checkpoint, {ours} in the model" for name, theirs, ours in differing]:
        remedy = "Give the --config (n_groups, max_len, …) of the run that made it, and with --domain, its own domain"
        raise bad(path, "the weights do not fit the model:\n  " + "\n  ".join(wrong) + "\n", remedy)


def main() -> None:
    """Convert as the arguments say."""
    run_command(convert)


if __name__ == "__main__":
    with exit_on_bad_input():
        main()
