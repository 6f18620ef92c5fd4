"""Metadata of any layout: which of an entry's columns make its title and text, and where its pictures are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data.errors import bad
from data.raw.clean import clean
from data.raw.table import Table
from data.raw.template import FIELDS

SIZES = ("large", "hi_res", "thumb")  # of one picture of 2023; `large` is about 500 pixels, enough for any encoder
SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class Items:
    """A file of metadata, and which of its columns says what."""

    layout: str
    """Name of the layout, for people."""
    table: Table
    item: str
    fields: Mapping[str, Sequence[str]]
    """Field of the template → columns that make it, in order."""
    pictures: Sequence[str] = ()
    """Columns that may hold addresses of pictures, the best first."""

    def entries(self) -> Iterator[tuple[int, str, dict[str, str]]]:
        """Yield line, item and the cleaned text of each of `FIELDS` (``""`` where unknown), one line at a time.

        Raises:
            ValueError: the file is missing, empty, cut short; a line is malformed or names no item.
        """
        for number, item, row in self._rows():
            texts = {name: plain([row.get(column) for column in self.fields.get(name, ())]) for name in FIELDS}
            yield number, item, texts

    def addresses(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each line's item and the http(s) addresses of its pictures, the best first, each once.

        Raises:
            ValueError: see `entries`.
        """
        for _, item, row in self._rows():
            told = [address for column in self.pictures for address in _addresses(row.get(column))]
            yield item, list(dict.fromkeys(told))

    def _rows(self) -> Iterator[tuple[int, str, dict[str, Any]]]:
        for number, row in self.table.rows():
            item = row.get(self.item)
            if type(item) is int:
                item = str(item)
            if not isinstance(item, str) or not item:
                raise bad(self.table.path, f"the entry has no `{self.item}`", self.table.remedy(), number)
            yield number, item, row


def plain(value: Any) -> str:
    """Cleaned text of a value; lists, nested ones too, are flattened and repeated parts kept once."""
    parts = (clean(part) for part in _strings(value))
    return " ".join(dict.fromkeys(part for part in parts if part))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)


def _addresses(value: Any) -> Iterator[str]:
    """The addresses in a value; of a picture in several sizes the best size alone."""
    match value:
        case str() if value.strip().startswith(SCHEMES):
            yield value.strip()
        case list() | tuple():
            for part in value:
                yield from _addresses(part)
        case dict():
            yield from next((found for size in SIZES if (found := list(_addresses(value.get(size))))), [])
