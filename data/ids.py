"""``item2id.jsonl`` and ``user2id.jsonl``: a line ``[key, id]`` for each id, in order."""

from collections.abc import Iterator
from pathlib import Path

from data.errors import bad
from data.raw.jsonl import read_jsonl, shown

PREPARE = "Prepare the domain again: python prepare.py domain, with --overwrite true"


def read_ids(path: Path, first: int) -> Iterator[str]:
    """The raw keys in id order, one at a time.

    Args:
        path: ``item2id.jsonl`` (``first`` 1) or ``user2id.jsonl`` (0).
        first: the first id.

    Raises:
        ValueError: the file is missing or empty, or a row is not ``[key, id]`` with the next id.
    """
    if not path.is_file():
        raise bad(path, "there is no such file", PREPARE)
    for wanted, (line, row) in enumerate(read_jsonl(path), first):
        match row:
            case [str(key), int(number)] if number == wanted:
                yield key
            case _:
                what = f"{shown(row)} is not [key, {wanted}]; ids count from {first} in order"
                raise bad(path, what, PREPARE, line)


def read_item_keys(domain: Path) -> list[str]:
    """The raw item keys of a processed folder; position i-1 holds item id i.

    Raises:
        ValueError: see ``read_ids``; or there is no item, or one twice.
    """
    path = domain / "item2id.jsonl"
    keys = list(read_ids(path, first=1))
    if not keys:
        raise bad(path, "has no items", PREPARE)
    if len(set(keys)) != len(keys):
        raise bad(path, "an item has two ids", PREPARE)
    return keys
