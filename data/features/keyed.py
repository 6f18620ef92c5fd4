"""Reading a table of vectors keyed by item id, in the three formats people bring.

``.safetensors``: tensor ``embedding`` (n, dim), metadata ``items`` (JSON list); optional tensor ``present``
(n,) and metadata ``encoder``: our own feature files are such tables. ``.npz``: arrays ``items`` (text) and
``embedding``. ``.pth``: a dict of ``items`` (list of texts) and ``embedding`` (tensor).
"""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import bad
from data.features.published import load_pth, to_matrix
from data.features.table import FeatureTable, check_finite, known_rows
from data.features.tensors import json_list, load_metadata, load_tensors

REMEDY = "Give a .safetensors, .npz or .pth with 'items' (item ids) and 'embedding' (items, dim)"


def read_keyed(path: Path) -> FeatureTable:
    """Read a keyed table; its item order is its own.

    Raises:
        ValueError: missing or malformed file, repeated item, wrong shape, NaN or infinity.
    """
    readers = {".safetensors": _safetensors, ".npz": _npz, ".pth": _pth}
    if path.suffix not in readers:
        raise bad(path, f"has the ending '{path.suffix}'", REMEDY)
    if not path.is_file():
        raise bad(path, "no such file", REMEDY)
    items, values, present, encoder = readers[path.suffix](path)
    _check(path, items, values)
    with np.errstate(over="ignore"):  # what does not fit becomes infinity, and is named below
        values = values.astype(np.float32, copy=False)
    known = np.ones(len(items), bool) if present is None else _known(path, present, len(items))
    check_finite(path, items, values, known, "Make the table again without NaN, or leave the item out")
    return FeatureTable(items, values, known & known_rows(values), encoder, {})


Parts = tuple[list[str], NDArray[Any], NDArray[Any] | None, str]


def _safetensors(path: Path) -> Parts:
    tensors = load_tensors(path, ("embedding",), REMEDY)
    metadata = load_metadata(path, REMEDY)
    items = json_list(path, metadata, "items", REMEDY)
    return items, tensors["embedding"], tensors.get("present"), metadata.get("encoder", "")


def _npz(path: Path) -> Parts:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("items", "embedding") if name in file}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, TypeError, ValueError) as error:
        raise bad(path, f"is not a plain, whole .npz ({error})", REMEDY) from error
    for name in ("items", "embedding"):
        if name not in arrays:
            raise bad(path, f"has no array '{name}'", REMEDY)
    items, values = arrays["items"], arrays["embedding"]
    if items.ndim != 1 or items.dtype.kind not in "US":
        raise bad(path, f"'items' is {items.dtype} {items.shape}, not a list of texts", REMEDY)
    return [str(key) for key in items.astype(np.str_)], values, None, ""


def _pth(path: Path) -> Parts:
    match load_pth(path):
        case {"items": list(items), "embedding": embedding} if all(isinstance(key, str) for key in items):
            return items, to_matrix(path, embedding), None, ""
    raise bad(path, "is not a dict of 'items' (a list of texts) and 'embedding' (a tensor)", REMEDY)


def _check(path: Path, items: Sequence[str], values: NDArray[Any]) -> None:
    if values.ndim != 2 or values.dtype.kind != "f" or values.shape[1] == 0:
        raise bad(path, f"'embedding' is {values.dtype} {values.shape}, not floating (items, dim)", REMEDY)
    if len(values) != len(items):
        raise bad(path, f"has {len(values)} rows for {len(items)} items", REMEDY)
    seen: dict[str, int] = {}
    for row, key in enumerate(items):
        if seen.setdefault(key, row) != row:
            raise bad(path, f"item '{key}' is in rows {seen[key]} and {row}", "Keep one row an item")


def _known(path: Path, present: NDArray[Any], count: int) -> NDArray[np.bool_]:
    if present.shape != (count,) or present.dtype != np.bool_:
        raise bad(path, f"'present' is {present.dtype} {present.shape}, not bool ({count},)", REMEDY)
    return present
