"""Amazon Reviews 2023: JSON lines or Parquet, ratings as CSV with a header; milliseconds; variants share a parent."""

from data.raw.events import Events
from data.raw.head import Head
from data.raw.items import Items
from data.raw.table import Table
from data.raw.timestamps import Clock

REVIEW = ("user_id", "parent_asin", "rating", "timestamp")


def reviews(head: Head) -> Events | None:
    """``user_id``, ``parent_asin`` (which metadata know; ``asin`` is a variant of it) and ``timestamp``."""
    if head.format == "text":
        names = tuple(head.lines[0].split(","))
        table = Table(head.path, "text", names, header=True)
        found = names[: len(REVIEW)] == REVIEW
    else:
        table, found = head.table(), head.columns >= set(REVIEW)
    if not found:
        return None
    return Events("Amazon 2023 reviews", table, "user_id", "parent_asin", "timestamp", Clock("ms"))


def metadata(head: Head) -> Items | None:
    """``parent_asin`` and ``title``; ``features`` go with the description, which most entries lack."""
    if not head.columns >= {"parent_asin", "title"} or "user_id" in head.columns:
        return None
    fields = {
        "title": ["title"],
        "brand": ["store"],
        "category": ["categories"],
        "description": ["description", "features"],
    }
    return Items("Amazon 2023 metadata", head.table(), "parent_asin", fields, ["images"])
