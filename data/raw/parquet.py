"""Rows of Python into a parquet file, a batch at a time."""

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

BATCH = 50_000


def write_parquet(path: Path, columns: Mapping[str, str], rows: Iterable[tuple[Any, ...]]) -> int:
    """Write rows in constant memory; gives how many.

    Args:
        path: the file to write.
        columns: name → Arrow type name, in the order of the rows' values.
        rows: one tuple a row.
    """
    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in columns.items()])
    stream, written = iter(rows), 0
    with pq.ParquetWriter(path, schema) as writer:
        while batch := list(islice(stream, BATCH)):
            values = zip(*batch, strict=True)
            arrays = [pa.array(value, field.type) for value, field in zip(values, schema, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            written += len(batch)
    return written
