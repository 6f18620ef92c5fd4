"""Raw files to Parquet, checked: what either engine begins with.

This runs in one process whatever the engine, in a stream, by DuckDB and Python: a malformed line is told with its
number, and each row gets the number that decides ties, which no distributed reader could give it.
"""

import shutil
from pathlib import Path

from data.prepare.duck import duckdb_engine
from data.raw.find import RawFiles
from data.raw.metadata import metadata_parquet
from data.raw.read import read_events


def read_raw(
    files: RawFiles, template: str, work: Path, memory_limit: str | None, threads: int | None
) -> tuple[Path, Path]:
    """Read and check a shop's raw files.

    Returns:
        Parquet files in ``work``: the interactions (item, user, timestamp, position) and the entries of the
        metadata (see `data.raw.metadata.COLUMNS`).

    Raises:
        ValueError: bad input, with file and line.
    """
    entries, events, reading = work / "entries.parquet", work / "events.parquet", work / "reading"
    metadata_parquet(files.items, template, entries)
    reading.mkdir()
    with duckdb_engine(reading, memory_limit, threads, reads_raw=True) as reader:
        read_events(reader.con, files.events, reading).rename(events)
    shutil.rmtree(reading)
    return events, entries
