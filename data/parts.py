"""Histories as Parquet: parts ``histories/part-00000.parquet`` and up, a row a user, read in a stream.

Shapes: R rows (users) in a block, E events in it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import bad, first_line
from data.rows import Ints, Rows, check_rows

FOLDER = "histories"
COLUMNS = {"user_id": "int64", "item_ids": "list", "timestamps": "list"}
LAST = b"tributary.last"
"""Key in the metadata of a part: ``1`` in the last one, so that a part that is missing is missed."""

_AGAIN = "Prepare the domain again, with --overwrite true"
_USERS = 10_000  # of a block


def part_name(number: int) -> str:
    """File name of a part."""
    return f"part-{number:05d}.parquet"


def part_files(domain: Path) -> list[Path]:
    """The parts of a processed folder, in order; none where it has another layout."""
    return sorted((domain / FOLDER).glob("part-*.parquet"))


def parts_schema() -> Any:
    """The Arrow schema of every part."""
    import pyarrow as pa

    kinds = {"int64": pa.int64(), "list": pa.list_(pa.int64())}
    return pa.schema([pa.field(name, kinds[kind]) for name, kind in COLUMNS.items()])


def read_parts(files: Sequence[Path], n_items: int) -> Iterator[Rows]:
    """Read all parts in blocks of whole users, in constant memory.

    Raises:
        ValueError: a part is missing or damaged, users do not rise, or see ``read_rows``; the message names the
            part and the row.
    """
    user = -1
    for number, path in enumerate(files):
        for rows in _read_part(path, number, number == len(files) - 1):
            check_rows(path, n_items, rows)
            falls = np.diff(rows.users, prepend=user) <= 0
            if falls.any():
                what = "user ids do not rise from row to row, and from part to part"
                raise bad(path, what, _AGAIN, int(rows.lines[falls.argmax()]))
            user = int(rows.users[-1])
            yield rows


def _read_part(path: Path, number: int, last: bool) -> Iterator[Rows]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            _check_part(path, file, number, last)
            line = 1
            for batch in file.iter_batches(_USERS):
                yield _rows(path, batch, line)
                line += len(batch)
    except (pa.ArrowException, OSError) as error:
        if getattr(error, "errno", None) is not None:
            raise
        raise bad(path, f"the Parquet file is damaged ({first_line(error)})", _AGAIN) from None


def _check_part(path: Path, file: Any, number: int, last: bool) -> None:
    if not file.schema_arrow.equals(parts_schema()):
        told = ", ".join(f"{field.name} {field.type}" for field in file.schema_arrow)
        raise bad(path, f"its columns are {told}", _AGAIN)
    ends = (file.metadata.metadata or {}).get(LAST) == b"1"
    if path.name != part_name(number) or ends != last:
        raise bad(path, "parts before or behind it are missing, or of another domain", _AGAIN)


def _rows(path: Path, batch: Any, line: int) -> Rows:
    users_R = batch.column("user_id")
    items_R, times_R = batch.column("item_ids"), batch.column("timestamps")
    lengths_R, others_R = items_R.value_lengths(), times_R.value_lengths()
    items_E, times_E = items_R.flatten(), times_R.flatten()
    nulls = sum(column.null_count for column in (users_R, items_R, times_R, items_E, times_E))
    if nulls or not lengths_R.equals(others_R) or 0 in (lengths := _numpy(lengths_R)):
        what = f"between rows {line} and {line + len(batch) - 1} a history is null, empty, or not as long as its times"
        raise bad(path, what, _AGAIN)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Rows(np.arange(line, line + len(batch)), _numpy(users_R), offsets, _numpy(items_E), _numpy(times_E))


def _numpy(array: Any) -> Ints:
    return np.asarray(array.to_numpy(zero_copy_only=False), np.int64)
