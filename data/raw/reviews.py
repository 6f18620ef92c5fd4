"""Reviews ``*.json.gz``: one JSON object a line with ``asin``, ``reviewerID`` and ``unixReviewTime``."""

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.errors import bad
from data.raw.jsonl import AGAIN, read_jsonl
from data.raw.parquet import write_parquet
from data.raw.timestamps import LATEST, REMEDY

COLUMNS = {"item": "string", "user": "string", "timestamp": "int64", "position": "int64"}


def reviews(path: Path) -> Iterator[tuple[str, str, int, int]]:
    """Yield ``(item, user, timestamp in seconds, line number)``.

    Raises:
        ValueError: missing, empty or cut short file; a line that is malformed, lacks a key or whose
            time is not whole UNIX seconds.
    """
    for number, row in read_jsonl(path):
        if not isinstance(row, dict):
            raise bad(path, "the line is not a JSON object", f"Mend the line, or: {AGAIN}", number)
        item, user = _key(path, number, row, "asin"), _key(path, number, row, "reviewerID")
        time = row.get("unixReviewTime")
        if type(time) is not int or not 0 <= time <= LATEST:
            raise bad(path, f"`unixReviewTime` is {time!r}", REMEDY, number)
        yield item, user, time, number


def _key(path: Path, line: int, row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise bad(path, f"the review has no `{name}`", f"Mend the line, or: {AGAIN}", line)
    return value


def read_reviews(con: Any, path: Path, work: Path) -> Any:
    """Load the file as a table of the DuckDB backend, by way of a parquet file.

    Parsed here and not by DuckDB, so that a bad line or a gz file cut short is named exactly.

    Args:
        con: an Ibis DuckDB backend.
        path: the ``.json.gz`` file.
        work: folder for the parquet file.

    Returns:
        An Ibis table: item, user (strings), timestamp (int64, seconds), position (int64, the line).
    """
    target = work / "reviews.parquet"
    write_parquet(target, COLUMNS, reviews(path))
    return con.read_parquet(glob.escape(str(target)))
