"""Histories into Parquet parts; the same histories give the same bytes, however they come in blocks."""

from pathlib import Path
from typing import Any

import numpy as np

from data.parts import FOLDER, LAST, part_name, parts_schema
from data.rows import Rows

GROUP = 1_000_000  # events of a row group at least, whole users
GROUPS = 4  # of a part


class Parts:
    """Writes ``histories/part-*.parquet``, see ``data.parts``; blocks arrive in the order of the users.

    Args:
        folder: the processed folder.
        group: events of a row group.
    """

    def __init__(self, folder: Path, group: int = GROUP) -> None:
        self._folder, self._group = folder / FOLDER, group
        self._folder.mkdir()
        self._held: list[Rows] = []
        self._events = self._groups = self._number = 0
        self._part: Any = None

    def write(self, rows: Rows) -> None:
        """Add a block of whole users."""
        while len(rows.users):
            full = np.flatnonzero(rows.offsets[1:] >= self._group - self._events)
            n = int(full[0]) + 1 if len(full) else len(rows.users)
            head = np.arange(len(rows.users)) < n
            self._held.append(rows.take(head))
            self._events += len(self._held[-1].items)
            rows = rows.take(~head)
            if len(full):
                self._flush()

    def close(self) -> None:
        """Write what is held, and end the last part."""
        if self._held or self._part is None:
            self._flush()
        self._end(last=True)

    def _flush(self) -> None:
        """Write what is held as a row group; a part ends only when the next one begins, as it must know its end."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._part is not None and self._groups == GROUPS:
            self._end(last=False)
        if self._part is None:
            self._part = pq.ParquetWriter(self._folder / part_name(self._number), parts_schema(), compression="zstd")
        users, lengths, items, times = (
            np.concatenate([np.empty(0, np.int64), *(getattr(rows, name) for rows in self._held)])
            for name in ("users", "lengths", "items", "timestamps")
        )
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
        lists = [pa.ListArray.from_arrays(offsets, pa.array(values)) for values in (items, times)]
        table = pa.Table.from_arrays([pa.array(users), *lists], schema=parts_schema())
        self._part.write_table(table, row_group_size=max(len(users), 1))
        self._held, self._events = [], 0
        self._groups += 1

    def _end(self, last: bool) -> None:
        self._part.add_key_value_metadata({LAST: b"1" if last else b"0"})
        self._part.close()
        self._part, self._groups = None, 0
        self._number += 1
