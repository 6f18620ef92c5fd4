"""The feature table of a domain: one row an item, in the order of ``item2id.jsonl``, missing rows marked."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import bad
from data.features.tensors import json_list, load_metadata, load_tensors, save_tensors
from data.files import sweep

AGAIN = "Extract the features again: python prepare.py features --overwrite true"


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of one modality; row i belongs to item id i + 1.

    Attributes:
        items: the n item keys, in row order.
        values: (n, dim) float32; a row without ``present`` is zero.
        present: (n,) bool, False where the item's text or picture is missing.
        encoder: name of what made the rows.
        options: what identifies the space; tables with equal encoder, options and dim can be mixed.
        notes: what else is told of how the rows were made.
    """

    items: list[str]
    values: NDArray[np.float32]
    present: NDArray[np.bool_]
    encoder: str
    options: dict[str, Any]
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.values.ndim == 2 and self.values.dtype == np.float32, "values are (n, dim) float32"
        assert self.present.dtype == np.bool_, "present is bool"
        assert len(self.items) == len(self.values) == len(self.present), "one row an item"

    def digest(self) -> str:
        """Hex sha256 of values and mask."""
        digest = hashlib.sha256(np.ascontiguousarray(self.values).data)
        digest.update(np.ascontiguousarray(self.present).data)
        return digest.hexdigest()

    @property
    def dim(self) -> int:
        """Width of a row."""
        return int(self.values.shape[1])


def write_table(path: Path, table: FeatureTable, source: str = "") -> None:
    """Write ``table`` as safetensors: atomic, and equal tables give equal bytes.

    The caller is the only writer of ``path``; what a killed one left is removed.

    Args:
        path: the file to make or replace.
        table: what to write.
        source: digest of what the rows were made from (see ``read_source``).

    Raises:
        ValueError: a present row holds NaN or infinity.
    """
    check_finite(path, table.items, table.values, table.present, "Mend the encoder or its input")
    sweep(path)
    values = np.where(table.present[:, None], table.values, np.float32(0))
    metadata = {
        "items": json.dumps(table.items),
        "encoder": table.encoder,
        "options": json.dumps(table.options, sort_keys=True),
        "source": source,
    }
    if table.notes:
        metadata["notes"] = json.dumps(table.notes, sort_keys=True)
    save_tensors(path, {"embedding": values, "present": table.present}, metadata)


def read_table(path: Path, expected_items: Sequence[str]) -> FeatureTable:
    """Read a table and check it against the domain's items.

    Args:
        path: ``features/<modality>.safetensors``.
        expected_items: the item keys of ``item2id.jsonl``, in id order.

    Raises:
        ValueError: missing or broken file, another item order or count, wrong shape, NaN in a present row.
    """
    tensors = load_tensors(path, ("embedding", "present"), AGAIN)
    metadata = load_metadata(path, AGAIN)
    items = json_list(path, metadata, "items", AGAIN)
    values, present = tensors["embedding"], tensors["present"]
    if values.ndim != 2 or values.dtype != np.float32:
        raise bad(path, f"'embedding' is {values.dtype} {values.shape}, not float32 (items, dim)", AGAIN)
    if present.shape != (len(values),) or present.dtype != np.bool_:
        raise bad(path, f"'present' is {present.dtype} {present.shape}, not bool ({len(values)},)", AGAIN)
    if len(values) != len(items):
        raise bad(path, f"has {len(values)} rows for {len(items)} items", AGAIN)
    check_order(path, items, expected_items)
    check_finite(path, items, values, present, AGAIN)
    if not present.all():
        values[~present] = 0.0
    told = (_object(path, metadata, key) for key in ("options", "notes"))
    return FeatureTable(items, values, present, metadata.get("encoder", ""), *told)


def read_source(path: Path) -> str:
    """Digest of what a table was made from, "" where it was not recorded."""
    return load_metadata(path, AGAIN).get("source", "")


def known_rows(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(n,): which rows of (n, dim) are not all zero."""
    return np.asarray(values.any(axis=1), np.bool_)


def check_order(path: Path, items: Sequence[str], expected: Sequence[str]) -> None:
    """Raise ``ValueError``, naming the first difference, unless the items are the domain's, in order."""
    for row, (found, wanted) in enumerate(zip(items, expected, strict=False)):
        if found != wanted:
            raise bad(path, f"row {row} is item '{found}', but item id {row + 1} is '{wanted}'", AGAIN)
    if len(items) != len(expected):
        raise bad(path, f"has {len(items)} items, the domain has {len(expected)}", AGAIN)


def check_finite(
    path: Path, items: Sequence[str], values: NDArray[Any], present: NDArray[np.bool_], remedy: str
) -> None:
    """Raise ``ValueError``, naming the first item, where a present row (n, dim) holds NaN or infinity."""
    wrong = ~np.isfinite(values).all(axis=1) & present
    if wrong.any():
        row = int(np.argmax(wrong))
        raise bad(path, f"row {row} (item '{items[row]}') holds NaN or infinity", remedy)


def _object(path: Path, metadata: Mapping[str, str], key: str) -> dict[str, Any]:
    """The metadata entry ``key``, a JSON object; an empty one where there is none."""
    try:
        value = json.loads(metadata.get(key, "{}"))
    except ValueError as error:
        raise bad(path, f"metadata '{key}' is not JSON ({error})", AGAIN) from error
    if not isinstance(value, dict):
        raise bad(path, f"metadata '{key}' is not a JSON object", AGAIN)
    return value
