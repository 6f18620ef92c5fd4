"""The beginning of a raw file, by which its layout is told."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from data.errors import bad, first_line
from data.raw.jsonl import parse_line, read_lines
from data.raw.packed import AGAIN
from data.raw.table import Format, Table, loads_literal

LINES = 20
MAGIC = b"PAR1"


@dataclass(frozen=True)
class Head:
    """The first rows of a file."""

    path: Path
    format: Format
    lines: tuple[str, ...] = ()
    """Of text: lines without their end."""
    rows: tuple[Mapping[str, Any], ...] = ()
    """Of JSON and literals: the objects."""
    columns: frozenset[str] = frozenset()
    """Of JSON and literals: every key of the rows; of Parquet: the columns."""

    def table(self) -> Table:
        """All rows; for delimited text a layout makes the table itself."""
        return Table(self.path, self.format)

    def shown(self) -> str:
        """What was found, for a message."""
        if self.format == "text":
            return f"it begins with {self.lines[0][:80]!r}"
        kind = {"json": "JSON objects", "literal": "Python literals", "parquet": "Parquet"}[self.format]
        return f"it holds {kind} with {', '.join(sorted(self.columns)) or 'no keys'}"


def split(line: str, delimiter: str = ",") -> list[str]:
    """The fields of a line of delimited text; none of what cannot be such a line."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def read_head(path: Path) -> Head:
    """Read the first lines.

    Raises:
        ValueError: the file is empty, damaged, or its first line is malformed.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) == MAGIC:
            return _parquet_head(path)
    lines = list(islice(read_lines(path), LINES))
    if not lines:
        raise bad(path, "the file holds no line", AGAIN)
    first = lines[0][1].removeprefix(b"\xef\xbb\xbf").lstrip()
    if first.startswith(b"{"):
        return _object_head(path, lines)
    return Head(path, "text", tuple(_text(line) for _, line in lines))


def _object_head(path: Path, lines: list[tuple[int, bytes]]) -> Head:
    """JSON, or literals where the first line is no JSON; rows up to the first malformed one, read again later."""
    (number, first), *rest = lines
    form: Format = "json" if _parses(orjson.loads, first) else "literal"
    loads: Callable[[bytes], Any] = orjson.loads if form == "json" else loads_literal
    rows = [parse_line(path, number, first, loads)]
    for _, line in rest:
        if not _parses(loads, line):
            break
        rows.append(loads(line))
    objects = tuple(row for row in rows if isinstance(row, dict))
    return Head(path, form, rows=objects, columns=frozenset(str(key) for row in objects for key in row))


def _parses(loads: Callable[[bytes], Any], line: bytes) -> bool:
    try:
        loads(line)
    except ValueError:
        return False
    return True


def _parquet_head(path: Path) -> Head:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except pa.ArrowInvalid as error:
        raise bad(path, f"the Parquet file is damaged ({first_line(error)})", AGAIN) from None
    return Head(path, "parquet", columns=frozenset(schema.names))


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r\n")
