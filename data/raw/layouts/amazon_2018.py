"""Amazon Review 2018: reviews and metadata in JSON lines; bare ratings begin with the item."""

from data.raw.events import Events
from data.raw.head import Head
from data.raw.items import Items
from data.raw.layouts.amazon import REVIEW, bare_ratings, old_metadata, old_reviews, user_first

OTHERS = {"reviewerID", "parent_asin", "user_id"}  # keys that no metadata of 2018 have


def ratings(head: Head) -> Events | None:
    """``item,user,rating,timestamp`` without a header; Tributary's sample shops are written so, too."""
    return None if user_first(head) else bare_ratings(head, "Amazon 2018 ratings", ("item", "user"))


def reviews(head: Head) -> Events | None:
    """``asin``, ``reviewerID`` and ``unixReviewTime`` (seconds)."""
    if not head.columns >= REVIEW or old_reviews(head):
        return None
    return Events("Amazon 2018 reviews", head.table(), user="reviewerID", item="asin", time="unixReviewTime")


def metadata(head: Head) -> Items | None:
    """An ``asin``, and nothing that only other files and years have."""
    if "asin" not in head.columns or head.columns & OTHERS or old_metadata(head):
        return None
    fields = {"title": ["title"], "brand": ["brand"], "category": ["category"], "description": ["description"]}
    pictures = ["imageURLHighRes", "imageURL", "image"]
    return Items("Amazon 2018 metadata", head.table(), "asin", fields, pictures)
