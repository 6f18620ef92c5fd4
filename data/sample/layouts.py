"""The layouts that a sample shop's raw files can have: names, and a line for each event and for each item."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from data.sample.options import Interactions
from data.sample.text import Record

Event = tuple[str, str, int, int]
"""Item, user, rating 1 to 5, UNIX seconds."""

_OPINIONS = ("Not for me", "Disappointing", "It is fine", "Good, would buy again", "Just what I wanted")


@dataclass(frozen=True)
class Layout:
    """One layout; a file whose name ends in ``.gz`` is packed.

    Attributes:
        interactions: name of the file of the interactions, with {} for the shop's.
        metadata: name of the metadata file, the same.
        events: events to lines.
        entries: metadata records to lines.
        event_head: line above the events.
        entry_head: line above the entries.
    """

    interactions: str
    metadata: str
    events: Callable[[Iterable[Event]], Iterator[str]]
    entries: Callable[[Iterable[Record]], Iterator[str]]
    event_head: str = ""
    entry_head: str = ""


def _ratings(events: Iterable[Event]) -> Iterator[str]:
    for item, user, rating, time in events:
        yield f"{item},{user},{rating}.0,{time}\n"


def _reviews(events: Iterable[Event]) -> Iterator[str]:
    for item, user, rating, time in events:
        yield f'{{"overall": {rating}.0, "verified": true, {_review(item, user, rating, time)}}}\n'


def _old_reviews(events: Iterable[Event]) -> Iterator[str]:
    for item, user, rating, time in events:
        yield f'{{"overall": {rating}.0, "helpful": [0, 0], {_review(item, user, rating, time)}}}\n'


def _review(item: str, user: str, rating: int, time: int) -> str:
    """What the reviews of both years say."""
    day = datetime.fromtimestamp(time, UTC).strftime("%m %d, %Y")
    return (
        f'"reviewTime": "{day}", "reviewerID": "{user}", "asin": "{item}", '
        f'"reviewText": "{_OPINIONS[rating - 1]}.", "summary": "{rating} stars", "unixReviewTime": {time}'
    )


def _entries(records: Iterable[Record]) -> Iterator[str]:
    for record in records:
        yield orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE).decode()


def _old_entries(records: Iterable[Record]) -> Iterator[str]:
    """Python literals; what is not known has no key."""
    for record in records:
        told = {
            "asin": record["asin"],
            "title": record["title"],
            "brand": record["brand"],
            "categories": [record["category"]] if record["category"] else [],
            "description": " ".join(record["description"]),
            "imUrl": "".join(record["imageURLHighRes"][:1]),
        }
        yield f"{ {key: value for key, value in told.items() if value} }\n"


def _atomic_events(events: Iterable[Event]) -> Iterator[str]:
    for item, user, rating, time in events:
        yield f"{user}\t{item}\t{rating}.0\t{time}.0\n"


def _atomic_items(records: Iterable[Record]) -> Iterator[str]:
    for record in records:
        lists = (" ".join(record[name]) for name in ("category", "description"))
        yield "\t".join([record["asin"], record["title"], record["brand"], *lists]) + "\n"


LAYOUTS: dict[Interactions, Layout] = {
    "ratings": Layout("{}.csv", "meta_{}.json.gz", _ratings, _entries),
    "reviews": Layout("{}_5.json.gz", "meta_{}.json.gz", _reviews, _entries),
    "amazon_2014": Layout("reviews_{}_5.json.gz", "meta_{}.json.gz", _old_reviews, _old_entries),
    "recbole": Layout(
        "{}.inter",
        "{}.item",
        _atomic_events,
        _atomic_items,
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n",
        "item_id:token\ttitle:token_seq\tbrand:token\tcategories:token_seq\tdescription:token_seq\n",
    ),
}
