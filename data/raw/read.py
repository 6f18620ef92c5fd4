"""A file of interactions into the database: in bulk where DuckDB can, else line by line."""

import glob
from pathlib import Path
from typing import Any

from data.errors import bad
from data.raw.bulk import read_bulk
from data.raw.events import Events
from data.raw.packed import AGAIN
from data.raw.parquet import write_parquet

COLUMNS = {"item": "string", "user": "string", "timestamp": "int64", "position": "int64"}


def read_events(con: Any, events: Events, work: Path) -> Any:
    """Load the interactions as a table of the DuckDB backend.

    Delimited text and Parquet are read by DuckDB; what it refuses, and everything else, line by line, so that a
    bad line is named exactly.

    Args:
        con: an Ibis DuckDB backend.
        events: the file.
        work: folder for a parquet file, or the unpacked text.

    Returns:
        An Ibis table: item, user (strings), timestamp (int64, seconds), position (int64, see `Events.lines`).

    Raises:
        ValueError: the file is empty or damaged, or names the first line that is not as it should be.
    """
    table = read_bulk(con, events, work)
    if table is not None:
        return table
    target = work / "events.parquet"
    write_parquet(target, COLUMNS, events.lines())
    rows = con.read_parquet(glob.escape(str(target)))
    if not rows.count().execute():
        raise bad(events.table.path, "the file holds no line", AGAIN)
    return rows
