"""RecBole's atomic files: tabs, and a header of ``name:type``; ``.inter`` holds interactions, ``.item`` metadata."""

import re

from data.raw.events import Events
from data.raw.head import Head
from data.raw.items import Items
from data.raw.table import Table
from data.raw.timestamps import Clock, unit_of

COLUMN = re.compile(r"(\w+):(token|token_seq|float|float_seq)")
FIELDS = {
    "title": ("title", "movie_title", "name"),
    "brand": ("brand", "store"),
    "category": ("categories", "category", "genre", "genres", "class"),
    "description": ("description", "feature", "features"),
}


def interactions(head: Head) -> Events | None:
    """``user_id``, ``item_id`` and ``timestamp``, whose unit the first line shows."""
    table = _table(head)
    if table is None or not {"user_id", "item_id", "timestamp"} <= set(table.names):
        return None
    first = head.lines[1].split("\t") if len(head.lines) > 1 else []
    told = dict(zip(table.names, first, strict=False)).get("timestamp", "")
    clock = Clock(unit_of(told), whole=False)
    return Events("RecBole interactions", table, "user_id", "item_id", "timestamp", clock)


def items(head: Head) -> Items | None:
    """``item_id``, and of the columns that RecBole's data sets have those that tell of the item."""
    table = _table(head)
    if table is None or "item_id" not in table.names or "user_id" in table.names:
        return None
    fields = {field: [name for name in names if name in table.names] for field, names in FIELDS.items()}
    return Items("RecBole items", table, "item_id", fields)


def _table(head: Head) -> Table | None:
    columns = [COLUMN.fullmatch(column) for column in head.lines[0].split("\t")] if head.format == "text" else []
    names = tuple(column[1] for column in columns if column)
    if not names or len(names) != len(columns):
        return None
    return Table(head.path, "text", names, delimiter="\t", header=True, quoted=False)
