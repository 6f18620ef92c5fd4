"""Metadata entries, dirty and repeated, to one title and text an item."""

from collections.abc import Iterator
from pathlib import Path

from data.raw.items import Items
from data.raw.parquet import write_parquet
from data.raw.template import fill

COLUMNS = {"item": "string", "priority": "int64", "title": "string", "text": "string"}
_LINE_BITS = 40


def priority(fields: dict[str, str], line: int) -> int:
    """The lower wins among entries of one item: complete first, then with anything known, then by line.

    Complete: title and description are known.
    """
    complete = bool(fields["title"] and fields["description"])
    rank = 0 if complete else 1 if any(fields.values()) else 2
    return rank << _LINE_BITS | line


def read_metadata(items: Items, template: str) -> Iterator[tuple[str, int, str, str]]:
    """Yield ``(item, priority, title, text)`` for each line, see `COLUMNS`.

    Raises:
        ValueError: see `Items.entries`.
    """
    for number, item, fields in items.entries():
        yield item, priority(fields, number), fields["title"], fill(template, fields)


def metadata_parquet(items: Items, template: str, target: Path) -> None:
    """Every entry of the metadata file as a row of a parquet file with `COLUMNS`."""
    write_parquet(target, COLUMNS, read_metadata(items, template))
