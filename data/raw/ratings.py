"""Ratings ``*.csv``: headerless lines ``item,user,rating,timestamp``, read by DuckDB."""

import csv
import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.errors import bad
from data.raw.jsonl import AGAIN
from data.raw.timestamps import LATEST, REMEDY

COLUMNS = ("item", "user", "rating", "timestamp")
LAYOUT = "Lines are item,user,rating,timestamp in UTF-8, without a header; mend or remove the line"


def read_ratings(con: Any, path: Path) -> Any:
    """Load the file into a table of the DuckDB backend.

    Args:
        con: an Ibis DuckDB backend.
        path: the csv file.

    Returns:
        An Ibis table: item, user (strings), timestamp (int64, seconds), position (int64, order in the file).

    Raises:
        ValueError: the file is empty, or names the first line that is not as it should be.
    """
    import duckdb

    if not path.stat().st_size:
        raise bad(path, "the file is empty", AGAIN)
    lines = con.read_csv(
        glob.escape(str(path)),
        columns=dict.fromkeys(COLUMNS, "VARCHAR"),
        header=False,
        auto_detect=False,
        delim=",",
        quote='"',
        escape='"',
    )
    try:
        raw = con.create_table("ratings_lines", lines)
    except duckdb.InvalidInputException as error:
        _raise_first_bad_line(path)
        raise bad(path, str(error).splitlines()[0], LAYOUT) from None
    _check(raw, path)
    # DuckDB inserts in the order of the file (preserve_insertion_order), whatever the number of threads.
    return raw.select("item", "user", timestamp=raw.timestamp.cast("int64"), position=raw.rowid())


def _check(raw: Any, path: Path) -> None:
    seconds = raw.timestamp.re_search(r"^\d{1,12}$").ifelse(raw.timestamp, None).try_cast("int64")
    good = (
        raw.item.notnull()
        & raw.user.notnull()
        & raw.rating.try_cast("float64").notnull()
        & seconds.notnull()
        & (seconds <= LATEST)
    )
    counts = raw.aggregate(lines=raw.count(), good=good.sum()).execute().iloc[0]
    if not counts["lines"]:
        raise bad(path, "the file holds no line", AGAIN)
    if counts["lines"] != counts["good"]:
        _raise_first_bad_line(path)
        raise bad(path, "some lines are not ratings", LAYOUT)


def _raise_first_bad_line(path: Path) -> None:
    """Only after a failure: read the file again in Python, to name the line."""
    reader = csv.reader(_decoded(path), strict=True)
    try:
        for row in reader:
            if row:
                _check_row(path, reader.line_num, row)
    except csv.Error as error:
        raise bad(path, f"malformed line ({error})", LAYOUT, reader.line_num) from None


def _decoded(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise bad(path, f"the line is not UTF-8 ({error.reason})", LAYOUT, number) from None


def _check_row(path: Path, line: int, row: list[str]) -> None:
    if len(row) != len(COLUMNS):
        raise bad(path, f"{len(row)} columns where there should be 4", LAYOUT, line)
    item, user, rating, timestamp = row
    if not (item and user):
        raise bad(path, "the item or the user is empty", LAYOUT, line)
    if not (timestamp.isascii() and timestamp.isdigit() and int(timestamp) <= LATEST):
        raise bad(path, f"the timestamp is {timestamp!r}", REMEDY, line)
    try:
        float(rating)
    except ValueError:
        raise bad(path, f"the rating is {rating!r}, not a number", LAYOUT, line) from None
