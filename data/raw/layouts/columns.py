"""Any table: a small yaml says which column is the user, the item, the time, the title …"""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args

import yaml

from data.errors import bad
from data.raw.events import Events
from data.raw.head import Head, split
from data.raw.items import Items
from data.raw.table import Table
from data.raw.template import FIELDS
from data.raw.timestamps import Clock, Unit

DELIMITERS = (",", "\t", ";", "|")


@dataclass(frozen=True)
class Columns:
    """Names of columns, as the yaml gives them. The file that has user, item and time holds the interactions."""

    user: str
    item: str
    time: str
    unit: Unit = "s"
    """s, ms, us or ns since 1970, or date (ISO 8601; UTC where no zone is told)."""
    rating: str | None = None
    """Checked to be a number."""
    entry: str | None = None
    """The item's column in the metadata, where it is called otherwise there."""
    title: str | None = None
    brand: str | None = None
    category: str | None = None
    description: str | None = None
    image: str | None = None
    """Address of the picture."""

    def interactions(self, head: Head) -> Events | None:
        """How the file's interactions are read; ``None`` where a column is missing."""
        table = self._table(head, [self.user, self.item, self.time, self.rating])
        if table is None:
            return None
        clock = Clock(self.unit, whole=False)
        return Events("named columns", table, self.user, self.item, self.time, clock, self.rating)

    def metadata(self, head: Head) -> Items | None:
        """How the file's metadata are read; ``None`` where a column is missing, or none is named."""
        told = {name: [column] for name in FIELDS if (column := getattr(self, name)) is not None}
        pictures = [] if self.image is None else [self.image]
        item = self.entry or self.item
        if not told and not pictures:
            return None
        table = self._table(head, [item, *(column for (column,) in told.values()), *pictures])
        return None if table is None else Items("named columns", table, item, told, pictures)

    def recipe(self) -> dict[str, str]:
        """What was named, for the manifest."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def _table(self, head: Head, wanted: list[str | None]) -> Table | None:
        needed = {name for name in wanted if name is not None}
        if head.format != "text":
            return head.table() if head.columns >= needed else None
        for delimiter in DELIMITERS:
            names = split(head.lines[0], delimiter)
            if needed <= set(names):
                return Table(head.path, "text", tuple(names), delimiter, header=True)
        return None


def read_columns(path: Path) -> Columns:
    """Read the yaml.

    Raises:
        ValueError: it is no yaml, a key is missing or unknown, or a value is no text.
    """
    remedy = f"It names columns: {', '.join(field.name for field in fields(Columns))}; user, item and time are needed"
    try:
        told: Any = yaml.safe_load(path.read_text("utf-8"))
        columns = Columns(**told)
    except (yaml.YAMLError, TypeError, UnicodeDecodeError) as error:
        raise bad(path, str(error).replace("Columns.__init__() ", ""), remedy) from None
    wrong = [name for name, value in asdict(columns).items() if value is not None and not isinstance(value, str)]
    if wrong:
        raise bad(path, f"{', '.join(wrong)}: not text", remedy)
    if columns.unit not in get_args(Unit):
        raise bad(path, f"unit {columns.unit!r}", f"The units are {', '.join(get_args(Unit))}")
    return columns
