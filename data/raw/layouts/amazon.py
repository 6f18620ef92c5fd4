"""What tells the years of Amazon's reviews apart where they look alike."""

import re

from data.raw.events import Events
from data.raw.head import Head, split
from data.raw.table import Table

REVIEW = {"asin", "reviewerID", "unixReviewTime"}
NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?\s*")
ITEM = re.compile(r"B[0-9A-Z]{9}|[0-9]{9}[0-9X]")
USER = re.compile(r"A[0-9A-Z]{9,20}")
OLD_KEYS = {"imUrl", "categories", "salesRank", "related"}


def old_metadata(head: Head) -> bool:
    """Whether entries with an ``asin`` are those of 2014: Python literals, or keys that 2018 has no more."""
    return head.format == "literal" or bool(head.columns & OLD_KEYS)


def old_reviews(head: Head) -> bool:
    """Whether reviews are those of 2014: Python literals (all reviews), or JSON with ``helpful`` (5-core)."""
    return head.format == "literal" or "helpful" in head.columns


def user_first(head: Head) -> bool:
    """Whether each line of bare ratings begins with what can only be a user and goes on with an item, as in 2014."""
    lines = _rating_fields(head)
    return bool(lines) and all(
        USER.fullmatch(first) and ITEM.fullmatch(second) and not ITEM.fullmatch(first) for first, second, *_ in lines
    )


def bare_ratings(head: Head, layout: str, keys: tuple[str, str]) -> Events | None:
    """Ratings without a header, the two keys in the order given."""
    if not _rating_fields(head):
        return None
    table = Table(head.path, "text", (*keys, "rating", "timestamp"))
    return Events(layout, table, user="user", item="item", time="timestamp", rating="rating")


def _rating_fields(head: Head) -> list[list[str]]:
    """Fields of the lines, where the first has four and a number as rating or time (so it is no header)."""
    lines = [split(line) for line in head.lines if line] if head.format == "text" else []
    if not lines or len(lines[0]) != 4 or not any(NUMBER.fullmatch(field) for field in lines[0][2:]):
        return []
    return [fields for fields in lines if len(fields) == 4]
