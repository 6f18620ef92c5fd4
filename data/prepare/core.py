"""Filters on interactions: exact duplicates, and the iterated k-core."""

from typing import Any

from data.prepare.engine import Engine


def drop_duplicates(events: Any) -> Any:
    """One row for each (user, item, timestamp), at the position of its first; the rating plays no part."""
    return events.group_by("user", "item", "timestamp").aggregate(position=events.position.min())


def at_least(pairs: Any, key: str, core: int) -> Any:
    """The pairs whose ``key`` (user or item) is in ``core`` pairs or more."""
    counts = pairs.group_by(key).aggregate(size=pairs.count())
    return pairs.semi_join(counts.filter(counts["size"] >= core), key)


def k_core(engine: Engine, events: Any, core: int) -> Any:
    """The most events in which each user has ``core`` different items and each item ``core`` different users.

    Different ones count: buying one thing five times says nothing of others. Users and items are filtered
    in turn until nothing changes; that fixed point is unique.

    Args:
        engine: the engine.
        events: a table with columns user and item.
        core: 1 keeps everything.

    Returns:
        An expression over ``events``, all columns, repeats included.
    """
    if core == 1:
        return events
    pairs = engine.keep("pairs_0", events.select("user", "item").distinct())
    size, left, turn = -1, _count(engine, pairs), 0
    while left != size:
        turn += 1
        fewer = at_least(at_least(pairs, "user", core), "item", core)
        pairs = engine.keep(f"pairs_{turn}", fewer, f"pairs_{turn - 1}")
        size, left = left, _count(engine, pairs)
    return events.semi_join(pairs, ["user", "item"])


def _count(engine: Engine, table: Any) -> int:
    return int(engine.row(table.aggregate(rows=table.count()))["rows"])
