"""``item_text.jsonl`` of a published domain: a line ``[item, text]`` for an item."""

from collections.abc import Iterator
from pathlib import Path

from data.errors import bad
from data.raw.jsonl import read_jsonl, shown


def read_item_text(path: Path) -> Iterator[tuple[str, str]]:
    """Raw item ids and texts, as the file has them.

    Raises:
        ValueError: a row is not ``[item, text]``.
    """
    for line, row in read_jsonl(path):
        match row:
            case [str(item), str(text)]:
                yield item, text
            case _:
                raise bad(path, f"{shown(row)} is not [item, text]", "Mend the line, or remove the file", line)
