"""What a checkpoint says of itself: which system, built how, on which catalogue; read without unpickling."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

import model
from data.errors import bad, first_line
from model import SequenceModel

if TYPE_CHECKING:  # it pulls in lightning, which recommend.py starts faster without
    from data.datamodule import DomainData

#: The entry of a checkpoint that holds the record.
RECORD = "tributary"
_PREFIX = "system."


def record_of(system: SequenceModel, data: "DomainData") -> dict[str, Any]:
    """The record: plain values only, so that ``weights_only`` loading takes it."""
    return {
        "format": 1,
        "system": type(system).__name__,
        "arguments": {name: _plain(value) for name, value in system.arguments.items()},
        "domain": str(data.domain.path.resolve()),
        "items": data.domain.items,
        "features": data.encoders,
        "digests": data.digests,
        "window": data.window,
    }


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint's content on the CPU; nothing but tensors and plain values is ever loaded.

    Raises:
        ValueError: no such file, not a checkpoint, or one that Tributary did not write.
    """
    checkpoint = load_plain(path)
    if RECORD not in checkpoint:
        remedy = "Give a best.ckpt or last.ckpt of Tributary; convert a published one with python -m trainer.convert"
        raise bad(path, f"the checkpoint has no {RECORD!r} record", remedy)
    if not isinstance(checkpoint[RECORD], dict) or checkpoint[RECORD].get("format") != 1:
        raise bad(path, f"its {RECORD!r} record is not of format 1", "Take the Tributary that wrote it, or a newer one")
    return checkpoint


def load_plain(path: Path) -> dict[str, Any]:
    """A dict saved by ``torch.save``, tensors and plain values only.

    Raises:
        ValueError: no such file, a damaged one, or one that holds other objects.
    """
    if not path.is_file():
        raise bad(path, "there is no such checkpoint", "Check the path; a run's folder holds best.ckpt and last.ckpt")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # broken bytes raise anything: UnpicklingError, KeyError, UnicodeDecodeError, …
        reason = first_line(error)[:200]
        remedy = "Copy or download it again; of a file that holds other objects, save its weights alone"
        raise bad(path, f"not a checkpoint of tensors and plain values ({reason})", remedy) from None
    if not isinstance(content, dict):
        raise bad(path, f"holds a {type(content).__name__}, not a dict", "Give a checkpoint")
    return content


def build_system(checkpoint: Mapping[str, Any]) -> SequenceModel:
    """The system that the record describes, not bound to a catalogue yet.

    Raises:
        ValueError: this version has no such system.
    """
    name = checkpoint[RECORD]["system"]
    if name not in model.__all__ or name == SequenceModel.__name__:
        raise ValueError(f"the checkpoint's system {name!r} is not one of {model.__all__}: take a newer Tributary")
    try:
        system: SequenceModel = getattr(model, name)(**checkpoint[RECORD]["arguments"])
    except TypeError as error:
        raise ValueError(f"the checkpoint's {name} takes other arguments ({error}): take its Tributary") from None
    return system


def system_weights(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The system's tensors by its own names."""
    return {
        name.removeprefix(_PREFIX): value
        for name, value in checkpoint["state_dict"].items()
        if name.startswith(_PREFIX)
    }


def check_fits(checkpoint: Mapping[str, Any], system: SequenceModel, data: "DomainData") -> None:
    """Raise ``ValueError`` where the checkpoint is of another system, other sizes or another catalogue."""
    record = checkpoint.get(RECORD, {})
    remedy = "use the config.yaml of its run; to start from its weights instead, give it as --backbone"
    if record.get("system") != type(system).__name__:
        ours = type(system).__name__
        raise ValueError(f"the checkpoint is of {record.get('system')}, the config's model is {ours}: {remedy}")
    if record["items"] != data.domain.items:
        raise ValueError(
            f"the checkpoint's catalogue ({len(record['items'])} items of {record['domain']}) is not that of "
            f"{data.domain.path} ({data.n_items} items): {remedy}"
        )
    changed = [name for name, digest in data.digests.items() if record.get("digests", {}).get(name, digest) != digest]
    if changed:
        raise ValueError(
            f"the {' and '.join(changed)} features of {data.domain.path} are not those that the checkpoint was trained "
            f"on: extract them again as they were, or {remedy}"
        )
    if differing := shape_differences(system_weights(checkpoint), system):
        name, theirs, ours = differing[0]
        raise ValueError(
            f"the checkpoint does not fit the config's model: {len(differing)} tensors differ, first {name}: "
            f"{theirs} in the checkpoint, {ours} here; {remedy}"
        )


def shape_differences(weights: Mapping[str, Tensor], system: SequenceModel) -> list[tuple[str, str, str]]:
    """``(name, shape in weights, shape in system)`` where they differ, ``absent`` where one has none; by name."""
    theirs = {name: str(tuple(value.shape)) for name, value in weights.items()}
    ours = {name: str(tuple(value.shape)) for name, value in system.state_dict().items()}
    pairs = ((name, theirs.get(name, "absent"), ours.get(name, "absent")) for name in sorted(theirs | ours))
    return [(name, their, our) for name, their, our in pairs if their != our]


def record_differences(checkpoint: Mapping[str, Any], system: SequenceModel, data: "DomainData") -> list[str]:
    """What differs between a backbone and the model that takes its weights, though the shapes may fit."""
    record = checkpoint[RECORD]
    differences = []
    if record["system"] != type(system).__name__:
        differences.append(f"it is a {record['system']}, the model a {type(system).__name__}")
    for modality, ours in data.encoders.items():
        theirs = record["features"].get(modality)
        if theirs is not None and theirs != ours:
            differences.append(f"its {modality} features were made by {theirs}, this domain's by {ours}")
    return differences


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
