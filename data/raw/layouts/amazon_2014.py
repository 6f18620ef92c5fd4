"""Amazon Review 2014: metadata and all reviews are Python literals; bare ratings begin with the user."""

from data.raw.events import Events
from data.raw.head import Head
from data.raw.items import Items
from data.raw.layouts.amazon import REVIEW, bare_ratings, old_metadata, old_reviews, user_first


def ratings(head: Head) -> Events | None:
    """``user,item,rating,timestamp`` without a header: told from 2018 by the looks of Amazon's own keys."""
    return bare_ratings(head, "Amazon 2014 ratings", ("user", "item")) if user_first(head) else None


def reviews(head: Head) -> Events | None:
    """``asin``, ``reviewerID`` and ``unixReviewTime`` (seconds)."""
    if not head.columns >= REVIEW or not old_reviews(head):
        return None
    return Events("Amazon 2014 reviews", head.table(), user="reviewerID", item="asin", time="unixReviewTime")


def metadata(head: Head) -> Items | None:
    """An ``asin``; ``categories`` nested, one picture as ``imUrl``."""
    if "asin" not in head.columns or "reviewerID" in head.columns or not old_metadata(head):
        return None
    fields = {"title": ["title"], "brand": ["brand"], "category": ["categories"], "description": ["description"]}
    return Items("Amazon 2014 metadata", head.table(), "asin", fields, ["imUrl"])
