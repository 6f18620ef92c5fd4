"""Deterministic order and ids: the same for every run, machine and number of threads."""

from dataclasses import dataclass
from typing import Any

from data.prepare.engine import keep


@dataclass(frozen=True)
class Numbered:
    """Interactions with ids, and what the ids stand for (Ibis tables)."""

    users: Any
    """user (string), user_id (int64, from 0)."""
    items: Any
    """item (string), item_id (int64, from 1)."""
    events: Any
    """user_id, item_id, timestamp, place (int64, the order of all interactions)."""


def number(con: Any, events: Any) -> Numbered:
    """Order interactions and number users and items.

    - Users are ordered by their raw key, bytewise, and numbered from 0.
    - Interactions are ordered by user, then timestamp, then position in the raw file (unique, so the
      item never has to decide).
    - Items are numbered from 1 in the order in which they first appear in that order.

    Args:
        con: an Ibis backend.
        events: a table with columns user, item, timestamp, position.
    """
    import ibis

    distinct = events.select("user").distinct()
    users = keep(con, "users", distinct.mutate(user_id=ibis.row_number().over(order_by=distinct.user)))
    known = events.join(users, "user").select("user_id", "item", "timestamp", "position")
    order = [known.user_id, known.timestamp, known.position]
    placed = keep(con, "placed", known.mutate(place=ibis.row_number().over(order_by=order)).drop("position"))
    seen = placed.group_by("item").aggregate(first=placed.place.min())
    numbered = seen.select("item", item_id=ibis.row_number().over(order_by=seen["first"]) + 1)
    items = keep(con, "items", numbered)
    joined = placed.join(items, "item").select("user_id", "item_id", "timestamp", "place")
    return Numbered(users, items, keep(con, "interactions", joined, "placed"))


def with_never_bought(con: Any, items: Any, catalogue: Any) -> Any:
    """The items, followed by those of ``catalogue`` (column item) that no one bought, by key, bytewise."""
    import ibis

    others = catalogue.anti_join(items, "item").select("item")
    start = items.count().execute() + 1
    rest = others.mutate(item_id=ibis.row_number().over(order_by=others.item) + ibis.literal(start, "int64"))
    return keep(con, "all_items", items.union(rest))
