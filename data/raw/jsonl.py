"""JSON lines, plain or packed: read in a stream with line numbers, written with orjson."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import jsonlines
import orjson

from data.errors import bad
from data.files import atomic_file
from data.raw.packed import AGAIN, FAULTS, fault, open_packed


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield ``(line number from 1, line)``, blank lines left out.

    Raises:
        ValueError: the file is missing, empty, cut short or damaged.
    """
    number = 0
    with open_packed(path) as stream:
        try:
            for number, line in enumerate(stream, 1):
                if not line.isspace():
                    yield number, line
        except FAULTS as error:
            raise fault(path, number, error) from None
    if number == 0:
        raise bad(path, "the file is empty", AGAIN)


def read_blocks(path: Path, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield ``(number from 1 of the first line, whole lines)`` of a plain file, until a line fills ``size`` bytes.

    Raises:
        ValueError: the file is missing or empty.
    """
    number = 1
    with open_packed(path) as stream:
        while block := stream.read(size - 1) + stream.readline():
            yield number, block
            number += block.count(b"\n")
    if number == 1 and not path.stat().st_size:
        raise bad(path, "the file is empty", AGAIN)


def read_jsonl(path: Path, loads: Callable[[bytes], Any] = orjson.loads) -> Iterator[tuple[int, Any]]:
    """Yield ``(line number from 1, parsed line)`` in constant memory.

    Args:
        path: a ``.jsonl``/``.json`` file, or a gzip or zstd of one.
        loads: parses one line; its ``ValueError`` becomes the message for that line.

    Raises:
        ValueError: the file is missing, empty or cut short, or a line is malformed (with its number).
    """
    for number, line in read_lines(path):
        yield number, parse_line(path, number, line, loads)


def parse_line(path: Path, number: int, line: bytes, loads: Callable[[bytes], Any] = orjson.loads) -> Any:
    """The value of one line; see ``read_jsonl``."""
    try:
        return loads(line)
    except ValueError as error:
        raise bad(path, f"malformed line ({error})", f"Mend the line, or: {AGAIN}", number) from None


def shown(row: Any) -> str:
    """A parsed row as a message shows it: its first 80 bytes."""
    return str(orjson.dumps(row)[:80], "utf-8", "replace")


def write_jsonl(path: Path, rows: Iterable[Any]) -> int:
    """Write one JSON value a line, whole or not at all; returns the number of lines."""
    count = 0
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        writer = jsonlines.Writer(file, dumps=orjson.dumps)
        for row in rows:
            writer.write(row)
            count += 1
    return count
