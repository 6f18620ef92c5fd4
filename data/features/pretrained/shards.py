"""Rows that are done, kept in parts until the table is whole: a kill loses one part at most."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import bad
from data.features.tensors import load_metadata, load_tensors, save_tensors


@dataclass(frozen=True)
class Shards:
    """Parts of the table ``path``, in a folder beside it whose name stands for all that the rows depend on.

    Args:
        path: the table's file.
        items: of the whole table.
        size: items of a part; the last one may have fewer.
        identity: whatever else changes the rows, JSON values.
    """

    path: Path
    items: int
    size: int
    identity: Mapping[str, Any]

    @cached_property
    def folder(self) -> Path:
        """Where the parts are."""
        told = json.dumps({**self.identity, "items": self.items, "size": self.size}, sort_keys=True)
        return self.path.with_name(f".{self.path.stem}-{hashlib.sha256(told.encode()).hexdigest()[:16]}")

    def missing(self) -> list[int]:
        """Numbers of the parts that are not there, ascending."""
        return [number for number in range(-(-self.items // self.size)) if not self._file(number).is_file()]

    def write(
        self, number: int, values: NDArray[np.float32], present: NDArray[np.bool_], counts: Mapping[str, int]
    ) -> None:
        """Keep a part, whole or not at all.

        Args:
            number: which one.
            values: its rows (n, dim).
            present: which of them are known (n,).
            counts: what else is told of it.
        """
        save_tensors(self._file(number), {"embedding": values, "present": present}, {"counts": json.dumps(counts)})

    def gather(self) -> tuple[NDArray[np.float32], NDArray[np.bool_], dict[str, int]]:
        """All rows (items, dim), which are known (items,), and the sums of the counts.

        Raises:
            ValueError: a part is missing or broken.
        """
        present, counts = np.zeros(self.items, bool), Counter[str]()
        values = np.zeros((0, 0), np.float32)
        for number, start in enumerate(range(0, self.items, self.size)):
            path, remedy = self._file(number), f"Remove {self.folder} and run the command again"
            part = load_tensors(path, ("embedding", "present"), remedy)
            if number == 0:
                values = np.zeros((self.items, part["embedding"].shape[1]), np.float32)
            rows = slice(start, min(start + self.size, self.items))
            if part["embedding"].shape != values[rows].shape:
                raise bad(path, f"has the shape {part['embedding'].shape}, not {values[rows].shape}", remedy)
            values[rows], present[rows] = part["embedding"], part["present"]
            counts.update(json.loads(load_metadata(path, remedy)["counts"]))
        return values, present, dict(counts)

    def clear_others(self) -> None:
        """Remove parts of this table that were made in another way, and what a kill left half-written."""
        remove_shards(self.path, self.folder)
        for left in self.folder.glob(".*.part"):
            left.unlink()

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:06}.safetensors"


def remove_shards(path: Path, kept: Path | None = None) -> None:
    """Remove every folder of parts of the table ``path``, but ``kept``."""
    for folder in path.parent.glob(f".{path.stem}-*"):
        if folder.is_dir() and folder != kept:
            shutil.rmtree(folder)
