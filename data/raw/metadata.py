"""Metadata ``meta_*.json.gz``: one entry a line, dirty and repeated, to one title and text an item."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from data.errors import bad
from data.raw.clean import clean
from data.raw.jsonl import AGAIN, read_jsonl
from data.raw.parquet import write_parquet
from data.raw.template import fill

COLUMNS = {"item": "string", "priority": "int64", "title": "string", "text": "string"}
_LINE_BITS = 40


def loads_entry(line: bytes) -> Any:
    """Parse a line: JSON, or a Python literal as in the 2014 files (never code)."""
    try:
        return orjson.loads(line)
    except ValueError as error:
        try:
            return ast.literal_eval(line.decode().strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            raise ValueError(str(error)) from None


def known_fields(entry: dict[str, Any]) -> dict[str, str]:
    """Cleaned title, brand, category and description of an entry, ``""`` where unknown.

    Lists, nested ones too (``categories`` of 2014), are flattened; repeated parts are kept once.
    """
    return {
        "title": _plain(entry.get("title")),
        "brand": _plain(entry.get("brand")),
        "category": _plain(entry.get("category") or entry.get("categories")),
        "description": _plain(entry.get("description")),
    }


def priority(fields: dict[str, str], line: int) -> int:
    """The lower wins among entries of one item: complete first, then with anything known, then by line.

    Complete: title and description are known.
    """
    complete = bool(fields["title"] and fields["description"])
    rank = 0 if complete else 1 if any(fields.values()) else 2
    return rank << _LINE_BITS | line


def read_metadata(path: Path, template: str) -> Iterator[tuple[str, int, str, str]]:
    """Yield ``(item, priority, title, text)`` for each line, see `COLUMNS`.

    Raises:
        ValueError: missing, empty or cut short file; a line that is malformed or has no ``asin``.
    """
    for number, entry in read_jsonl(path, loads_entry):
        item = entry.get("asin") if isinstance(entry, dict) else None
        if not isinstance(item, str) or not item:
            raise bad(path, "the entry has no `asin`", f"Mend the line, or: {AGAIN}", number)
        fields = known_fields(entry)
        yield item, priority(fields, number), fields["title"], fill(template, fields)


def metadata_parquet(path: Path, template: str, target: Path) -> None:
    """Every entry of the metadata file as a row of a parquet file with `COLUMNS`."""
    write_parquet(target, COLUMNS, read_metadata(path, template))


def _plain(value: Any) -> str:
    parts = (clean(part) for part in _strings(value))
    return " ".join(dict.fromkeys(part for part in parts if part))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)
