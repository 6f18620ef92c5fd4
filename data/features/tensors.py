"""Safetensors files whose bytes depend on their content only, read with checks.

The library's own writer puts the metadata in the order of a randomly seeded hash map; this one sorts it.
Format: https://huggingface.co/docs/safetensors (8-byte header length, JSON header, tensors back to back).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from data.errors import bad
from data.files import atomic_file

DTYPES = {"float32": "F32", "bool": "BOOL"}  # what Tributary writes
READABLE = ("F16", "F32", "F64", "BOOL", "I64", "I32", "U8")  # what numpy can hold, out of what others write


def save_tensors(path: Path, tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> None:
    """Write ``tensors`` (float32 or bool) and ``metadata`` atomically; same content, same bytes."""
    # Wider types first, so that every tensor starts at a multiple of its own width.
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    start = 0
    for name in order:
        array = tensors[name]
        end = start + array.nbytes
        header[name] = {
            "dtype": DTYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
        start = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            np.ascontiguousarray(tensors[name]).astype(tensors[name].dtype.newbyteorder("<")).tofile(file)


def load_tensors(path: Path, names: tuple[str, ...], remedy: str) -> dict[str, NDArray[Any]]:
    """The tensors of ``path``; ``names`` must be among them.

    Raises:
        ValueError: missing file, no safetensors file, a tensor that is not there or has no numpy type.
    """
    _must_exist(path, remedy)
    try:
        with safe_open(path, framework="numpy") as file:
            held = list(file.keys())
            missing = [name for name in names if name not in held]
            if missing:
                raise bad(path, f"has no tensor '{missing[0]}' (it has {held})", remedy)
            odd = [name for name in held if file.get_slice(name).get_dtype() not in READABLE]
            if odd:
                raise bad(
                    path,
                    f"tensor '{odd[0]}' has the type {file.get_slice(odd[0]).get_dtype()}",
                    "Save float32",
                )
            return {name: file.get_tensor(name) for name in held}
    except SafetensorError as error:
        raise bad(path, f"is not a whole safetensors file ({error})", remedy) from error


def load_metadata(path: Path, remedy: str) -> dict[str, str]:
    """The text metadata of ``path``, empty where it has none; raises as ``load_tensors`` does."""
    _must_exist(path, remedy)
    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise bad(path, f"is not a whole safetensors file ({error})", remedy) from error


def json_list(path: Path, metadata: Mapping[str, str], key: str, remedy: str) -> list[str]:
    """The metadata entry ``key``, a JSON list of texts; raises ``ValueError`` where it is not one."""
    if key not in metadata:
        raise bad(path, f"has no metadata key '{key}' (a JSON list of item ids, in row order)", remedy)
    try:
        value = json.loads(metadata[key])
    except ValueError as error:
        raise bad(path, f"metadata '{key}' is not JSON ({error})", remedy) from error
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise bad(path, f"metadata '{key}' is not a JSON list of texts", remedy)
    return value


def _must_exist(path: Path, remedy: str) -> None:
    if not path.is_file():
        raise bad(path, "no such file", remedy)
