"""Which of a raw folder's files holds the interactions, which the metadata, and where the pictures are."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from data.errors import bad
from data.raw.events import Events
from data.raw.head import Head, read_head
from data.raw.items import Items
from data.raw.layouts import EVENTS, ITEMS, KNOWN
from data.raw.layouts.columns import Columns

logger = logging.getLogger(__name__)

PICTURES = (".jpg", ".jpeg", ".png", ".webp")  # looked for in this order
BELONGS = f"There belong one file of interactions and one of metadata; their names do not matter. {KNOWN}"

Found = TypeVar("Found", Events, Items)


@dataclass(frozen=True)
class RawFiles:
    """The raw files of one shop."""

    events: Events
    items: Items
    images: Path
    """Folder of pictures ``<item>.jpg``; need not exist."""

    @property
    def interactions(self) -> Path:
        """The file of interactions."""
        return self.events.table.path

    @property
    def metadata(self) -> Path:
        """The file of metadata; the same one where it holds both."""
        return self.items.table.path

    def paths(self) -> list[Path]:
        """The files, each once."""
        return list(dict.fromkeys([self.interactions, self.metadata]))

    def layouts(self) -> dict[str, str]:
        """The layout of each role."""
        return {"interactions": self.events.layout, "metadata": self.items.layout}


def find_raw(folder: Path, columns: Columns | None = None) -> RawFiles:
    """Find one shop's files, each by its first lines.

    Args:
        folder: the files; hidden ones and folders in it are left out.
        columns: names of columns; a file that has them is read by them.

    Raises:
        ValueError: no such folder, not exactly one file of interactions and one of metadata, or one that two
            layouts would read.
    """
    if not folder.is_dir():
        raise bad(folder, "there is no such folder", BELONGS)
    heads, faults = _heads(folder)
    seen = "; ".join([f"{head.path.name}: {head.shown()}" for head in heads] + faults) or "the folder is empty"
    found = _readable(heads, columns.interactions if columns else None, EVENTS)
    events = _only(folder, found, "interactions", seen)
    named = columns.metadata if columns else None
    others = [head for head in heads if head.path != events.table.path]
    # Interactions may hold titles, too: they are the metadata only where no other file is.
    items = _only(folder, _readable(others, named, ITEMS) or _readable(heads, named, ITEMS), "metadata", seen)
    logger.info("%s: %s; %s: %s", events.table.path.name, events.layout, items.table.path.name, items.layout)
    return RawFiles(events, items, folder / "images")


def _heads(folder: Path) -> tuple[list[Head], list[str]]:
    """The beginning of each file, and what is wrong with those that cannot be read."""
    heads, faults = [], []
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        try:
            heads.append(read_head(path))
        except ValueError as error:
            faults.append(str(error))
    return heads, faults


def _readable(
    heads: Sequence[Head],
    named: Callable[[Head], Found | None] | None,
    layouts: Sequence[Callable[[Head], Found | None]],
) -> list[Found]:
    """The files that have the named columns; where none has, those of a known layout."""
    found = [read for head in heads if (read := named(head))] if named else []
    return found or [read for head in heads if (read := _recognised(head, layouts))]


def _only(folder: Path, found: Sequence[Found], what: str, seen: str) -> Found:
    """The one file of a role."""
    if len(found) > 1:
        names = ", ".join(read.table.path.name for read in found)
        raise bad(folder, f"there are {len(found)} files of {what} ({names})", BELONGS)
    if not found:
        raise bad(folder, f"there is no file of {what} ({seen})", BELONGS)
    return found[0]


def _recognised(head: Head, layouts: Sequence[Callable[[Head], Found | None]]) -> Found | None:
    read = [read for layout in layouts if (read := layout(head))]
    if len(read) > 1:
        names = " or ".join(one.layout for one in read)
        raise bad(head.path, f"it could be {names} ({head.shown()})", "Name its columns with --columns", 1)
    return read[0] if read else None


def picture_names(images: Path) -> set[str]:
    """File names of the pictures in a folder; empty where there is no folder."""
    if not images.is_dir():
        return set()
    return {path.name for path in images.iterdir() if path.suffix in PICTURES}


def picture_of(item: str, names: set[str]) -> str | None:
    """The item's picture among ``names``: jpg before jpeg, png and webp."""
    return next((item + suffix for suffix in PICTURES if item + suffix in names), None)


def names_digest(names: set[str]) -> str:
    """Hex digest of a set of file names, to notice pictures that came or went."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
