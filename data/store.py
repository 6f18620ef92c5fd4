"""A domain's histories as memory-mapped columns: offsets, items, timestamps, one sequence a user.

Shapes: S sequences, E events.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import orjson
from numpy.typing import NDArray

from data.rows import Rows

Split = Literal["leave_one_out", "pretrain"]

META = "store.json"
_COLUMNS = ("users", "offsets", "items", "timestamps")


@dataclass(frozen=True, eq=False)
class SequenceStore:
    """Read-only columns on disk.

    Attributes:
        users: user ids, ``(S,)``.
        offsets: sequence s holds the events ``offsets[s]:offsets[s+1]``, ``(S+1,)``.
        items: item ids from 1, ``(E,)``.
        timestamps: seconds, ``(E,)``.
        split: whether the last two events of each sequence are held out, or all train.
    """

    users: NDArray[np.int64]
    offsets: NDArray[np.int64]
    items: NDArray[np.int64]
    timestamps: NDArray[np.int64]
    split: Split

    @classmethod
    def open(cls, folder: Path) -> "SequenceStore":
        """Map the columns that ``StoreWriter`` wrote; nothing is read yet."""
        meta = orjson.loads((folder / META).read_bytes())
        columns = {name: _map(folder / f"{name}.bin", meta["sizes"][name]) for name in _COLUMNS}
        return cls(**columns, split=meta["split"])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Events a sequence, ``(S,)``."""
        return np.diff(self.offsets)

    def repeat_rate(self) -> float:
        """Share of events whose item the user had before."""
        keys = np.repeat(np.arange(len(self)), self.lengths) * (int(self.items.max(initial=0)) + 1) + self.items
        return 1 - len(np.unique(keys)) / len(keys) if len(keys) else 0.0

    def __len__(self) -> int:
        return len(self.users)


class StoreWriter:
    """Appends blocks of rows to the columns of a folder, in constant memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes = dict.fromkeys(_COLUMNS, 0)
        self._append("offsets", np.zeros(1, np.int64))

    def append(self, rows: Rows) -> None:
        """Add each row as a sequence."""
        self._append("offsets", rows.offsets[1:] + self._sizes["items"])
        self._append("users", rows.users)
        self._append("items", rows.items)
        self._append("timestamps", rows.timestamps)

    def close(self, split: Split, sources: dict[str, str], stats: dict[str, list[int]]) -> None:
        """Write the meta file, which makes the store whole.

        Args:
            split: of the domain.
            sources: checksums by file name.
            stats: size and modification time by file name, to know an untouched file by.
        """
        for name in _COLUMNS:
            (self._folder / f"{name}.bin").touch()
        meta = {"split": split, "sources": sources, "stats": stats, "sizes": self._sizes}
        (self._folder / META).write_bytes(orjson.dumps(meta, option=orjson.OPT_SORT_KEYS))

    def _append(self, name: str, values: NDArray[np.int64]) -> None:
        with (self._folder / f"{name}.bin").open("ab") as file:
            np.ascontiguousarray(values, dtype="<i8").tofile(file)
        self._sizes[name] += len(values)


def _map(path: Path, size: int) -> NDArray[np.int64]:
    if size == 0:  # an empty file cannot be mapped
        return np.empty(0, np.int64)
    return np.memmap(path, dtype="<i8", mode="r", shape=(size,))
