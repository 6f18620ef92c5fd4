"""A file of interactions to checked Parquet: in bulk where DuckDB can, else line by line."""

from pathlib import Path
from typing import Any

from data.errors import bad
from data.raw.bulk import read_bulk
from data.raw.events import Events
from data.raw.packed import AGAIN
from data.raw.parquet import write_parquet

COLUMNS = {"item": "string", "user": "string", "timestamp": "int64", "position": "int64"}


def read_events(con: Any, events: Events, work: Path) -> Path:
    """Write the interactions, checked, to a Parquet file.

    Delimited text and Parquet are read by DuckDB; what it refuses, and everything else, line by line, so that a
    bad line is named exactly.

    Args:
        con: an Ibis DuckDB backend.
        events: the file.
        work: folder for the file, and for unpacked text.

    Returns:
        The file: item, user (strings), timestamp (int64, seconds), position (int64, see `Events.lines`).

    Raises:
        ValueError: the file is empty or damaged, or names the first line that is not as it should be.
    """
    target, table = work / "events.parquet", read_bulk(con, events, work)
    if table is not None:
        con.to_parquet(table, target)
    elif not write_parquet(target, COLUMNS, events.lines()):
        raise bad(events.table.path, "the file holds no line", AGAIN)
    return target
