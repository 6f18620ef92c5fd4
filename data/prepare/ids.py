"""Deterministic order and ids: the same for every run, machine, engine and number of threads."""

from dataclasses import dataclass
from typing import Any

from data.prepare.codes import Keys
from data.prepare.engine import Engine
from data.prepare.numbers import numbered

_STEPS = 1 << 32  # more than one user has interactions


@dataclass(frozen=True)
class Numbered:
    """Interactions with ids, and what the ids stand for (Ibis tables)."""

    users: Any
    """user (string), user_id (int64, from 0)."""
    items: Any
    """item (string), item_id (int64, from 1)."""
    events: Any
    """user_id, item_id, timestamp, place (int64, unique: the order of all interactions)."""


def number(engine: Engine, events: Any, keys: Keys) -> Numbered:
    """Order interactions and number users and items.

    - Users are ordered by their raw key, bytewise, and numbered from 0.
    - Interactions are ordered by user, then timestamp, then position in the raw file (unique, so the
      item never has to decide).
    - Items are numbered from 1 in the order in which they first appear in that order.

    Args:
        engine: the engine.
        events: user, item (codes), timestamp, position.
        keys: what the codes stand for.
    """
    import ibis

    users = numbered(engine, "users", events.select(code=events.user).distinct(), "code", 0)
    known = events.join(users.rename(user_id="id"), events.user == users.code)
    step = ibis.row_number().over(group_by=known.user_id, order_by=[known.timestamp, known.position])
    placed = known.select("user_id", "item", "timestamp", place=(known.user_id * _STEPS + step).cast("int64"))
    placed = engine.keep("placed", placed)
    seen = placed.group_by("item").aggregate(first=placed.place.min())
    items = numbered(engine, "items", seen.rename(code="item"), "first", 1)
    joined = placed.join(items, placed.item == items.code)
    return Numbered(
        keys.users.join(users, "code").select("id", user="key").rename(user_id="id"),
        keys.items.join(items, "code").select("id", item="key").rename(item_id="id"),
        joined.select("user_id", "timestamp", "place", item_id="id"),
    )


def with_never_bought(engine: Engine, items: Any, catalogue: Any) -> Any:
    """The items, followed by those of ``catalogue`` (column item) that no one bought, by key, bytewise."""
    bought = engine.row(items.aggregate(items=items.count()))["items"]
    others = catalogue.anti_join(items, "item").select("item")
    rest = numbered(engine, "never_bought", others, "item", bought + 1).rename(item_id="id")
    return items.select("item", "item_id").union(rest.select("item", "item_id"))
