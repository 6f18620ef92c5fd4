"""A raw file as rows with named columns, whatever its format."""

import ast
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from data.errors import bad
from data.raw.jsonl import read_jsonl, read_lines
from data.raw.packed import AGAIN

Format = Literal["json", "literal", "text", "parquet"]

csv.field_size_limit(1 << 24)  # descriptions are longer than csv's own limit of 128 KiB


class Quoted(csv.excel):
    """Fields may be enclosed in ``"``; an enclosed one must end."""

    strict = True


class Unquoted(csv.excel):
    """Nothing is special but the delimiter."""

    quoting = csv.QUOTE_NONE
    strict = True


@dataclass(frozen=True)
class Table:
    """How to read a file's rows."""

    path: Path
    format: Format
    """JSON or Python literals, one a line; delimited text; or Parquet."""
    names: tuple[str, ...] = ()
    """Of text: the columns in their order."""
    delimiter: str = ","
    header: bool = False
    """Of text: the first line is none of the rows."""
    quoted: bool = True
    """Of text: ``"`` may enclose a field."""

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield ``(line, row)`` in constant memory; of Parquet the number of the row, from 1.

        Raises:
            ValueError: the file is missing, empty, cut short or damaged; or a line is malformed.
        """
        match self.format:
            case "json":
                return self._objects(orjson.loads)
            case "literal":
                return self._objects(loads_literal)
            case "text":
                return self._fields()
            case "parquet":
                return self._records()

    def _objects(self, loads: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, row in read_jsonl(self.path, loads):
            if not isinstance(row, dict):
                raise bad(self.path, "the line is not an object {…}", f"Mend the line, or: {AGAIN}", number)
            yield number, row

    def _fields(self) -> Iterator[tuple[int, dict[str, Any]]]:
        last = [0]
        dialect: type[csv.Dialect] = Quoted if self.quoted else Unquoted
        reader = csv.reader(self._decoded(last), dialect, delimiter=self.delimiter)
        try:
            for index, fields in enumerate(reader):
                if index == 0 and self.header:
                    continue
                if len(fields) != len(self.names):
                    what = f"{len(fields)} columns where there should be {len(self.names)}"
                    raise bad(self.path, what, self.remedy(), last[0])
                yield last[0], dict(zip(self.names, fields, strict=True))
        except csv.Error as error:
            raise bad(self.path, f"malformed line ({error})", self.remedy(), last[0]) from None

    def _decoded(self, last: list[int]) -> Iterator[str]:
        """Lines of text; the number of the last one, blank ones counted, goes into ``last``."""
        for number, line in read_lines(self.path):
            last[0] = number
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise bad(self.path, f"the line is not UTF-8 ({error.reason})", self.remedy(), number) from None

    def _records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        import pyarrow.parquet as pq

        number = 0
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(batch_size=10_000):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row

    def remedy(self) -> str:
        """What a message says of a malformed line."""
        if self.format != "text":
            return f"Mend the line, or: {AGAIN}"
        head = "below a header" if self.header else "without a header"
        delimiter = {"\t": "tabs"}.get(self.delimiter, f"`{self.delimiter}`")
        return f"Lines are {','.join(self.names)} in UTF-8, {delimiter} between them, {head}; mend or remove the line"


def loads_literal(line: bytes) -> Any:
    """A Python literal as in the 2014 files; never code.

    Raises:
        ValueError: it is something else.
    """
    try:
        return ast.literal_eval(line.decode().strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"no Python literal: {error}") from None
