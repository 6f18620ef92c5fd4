"""What came of an item's picture: ``report.json`` beside the pictures, and a table."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from data.errors import bad
from data.files import atomic_file
from data.images.shrink import Shrink

NAME = "report.json"
REMEDY = "Remove the folder to fetch all pictures again"


@dataclass(frozen=True)
class Failure:
    """A picture that could not be had."""

    address: str
    why: str


@dataclass
class Report:
    """How pictures are stored, and which items have none.

    Attributes:
        shrink: options of the stored pictures.
        items: how many were asked for.
        fetched: how many of these have a picture.
        missing: those for which the metadata name no address.
        failed: those whose picture could not be had, of earlier runs too.
    """

    shrink: Shrink
    items: int = 0
    fetched: int = 0
    missing: list[str] = field(default_factory=list)
    failed: dict[str, Failure] = field(default_factory=dict)

    def note(self, item: str, failure: Failure | None) -> None:
        """What came of an item that was asked for."""
        if failure:
            self.failed[item] = failure
        else:
            self.failed.pop(item, None)
            self.fetched += 1

    def write(self, images: Path) -> None:
        """Write beside the pictures, sorted: equal content, equal bytes."""
        told = asdict(self) | {"missing": sorted(self.missing)}
        with atomic_file(images / NAME) as temporary:
            temporary.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")

    def rows(self, items: Iterable[str]) -> list[tuple[str, str, int]]:
        """Outcome, reason and number of items, the most frequent reason first."""
        reasons = Counter(self.failed[item].why for item in items if item in self.failed)
        told = [("fetched", "", self.fetched), ("missing", "the metadata name no address", len(self.missing))]
        return told + [("failed", why, count) for why, count in sorted(reasons.items(), key=lambda pair: -pair[1])]


def read_report(images: Path, shrink: Shrink) -> Report:
    """What earlier runs left in the folder, if anything.

    Raises:
        ValueError: its pictures are stored with other options, or it is malformed.
    """
    path = images / NAME
    if not path.is_file():
        return Report(shrink)
    try:
        stored: dict[str, Any] = orjson.loads(path.read_bytes())
        before = Shrink(**stored["shrink"])
        failed = {item: Failure(**failure) for item, failure in stored["failed"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise bad(path, f"malformed ({error})", REMEDY) from None
    if before != shrink:
        what = f"its pictures are stored with size {before.size} and quality {before.quality}"
        raise bad(images, what, f"Give the same options. {REMEDY}")
    return Report(shrink, failed=failed)
