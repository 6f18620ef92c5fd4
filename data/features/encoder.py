"""What an encoder is, and the items it sees."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from data.errors import bad
from data.ids import PREPARE, read_item_keys
from data.raw.jsonl import read_jsonl, shown


@dataclass(frozen=True, slots=True)
class Item:
    """One item: its key, its text ("" when nothing is known) and its picture file, if any."""

    key: str
    text: str
    image: Path | None


class Named(Protocol):
    """What makes rows of features.

    ``name`` and ``options`` (JSON) identify the space: equal ones mean that rows can be compared, whichever
    shop they come from.
    """

    @property
    def name(self) -> str:
        """Name of the encoder."""

    @property
    def options(self) -> dict[str, Any]:
        """What else identifies the space, JSON values only."""


class Encoder(Named, Protocol):
    """Items to rows of features, in one go."""

    def fit(self, items: Iterable[Item]) -> Self:
        """Learn from ``items`` what the encoder needs, which may be nothing."""

    def encode(self, items: Iterable[Item]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Rows (n, dim), and which of them are known (n,); the others are zero."""


def read_items(domain: Path) -> Iterator[Item]:
    """The items of ``item.jsonl`` in id order, one at a time.

    Args:
        domain: a processed domain folder; the paths of pictures are relative to it.

    Raises:
        ValueError: a file is missing or malformed, or the items differ from ``item2id.jsonl``.
    """
    path = domain / "item.jsonl"
    keys = read_item_keys(domain)
    if not path.is_file():
        raise bad(path, "there is no such file", PREPARE)
    for number, (key, entry) in enumerate(zip_longest(keys, read_jsonl(path)), start=1):
        if key is None or entry is None:
            fault = "more" if key is None else "fewer"
            raise bad(path, f"has {fault} than the {len(keys)} items of item2id.jsonl", PREPARE, number)
        item = _item(path, domain, *entry)
        if item.key != key:
            raise bad(path, f"item '{item.key}', but item2id.jsonl has '{key}' here", PREPARE, number)
        yield item


def _item(path: Path, domain: Path, line: int, row: Any) -> Item:
    match row:
        case {"item": str(key), "text": str(text), "image": str() | None as image}:
            return Item(key, text, domain / image if image else None)
    expected = '{"item": text, "text": text, "image": text or null}'
    raise bad(path, f"expected {expected}, found {shown(row)}", PREPARE, line)
