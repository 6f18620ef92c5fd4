from collections import Counter
from collections.abc import Iterator
from typing import Any

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.prepare.core import drop_duplicates, k_core
from data.prepare.ids import number, with_never_bought

Event = tuple[str, str, int]
KEYS = st.sampled_from("abcdef")
EVENTS = st.lists(st.tuples(KEYS, KEYS, st.integers(0, 3)), max_size=40)


def naive_core(events: list[Event], core: int) -> list[Event]:
    """Drop one weak user or item at a time, until none is left."""
    while True:
        pairs = {(user, item) for user, item, _ in events}
        users, items = Counter(user for user, _ in pairs), Counter(item for _, item in pairs)
        weak = next(((u, i) for u, i in sorted(pairs) if users[u] < core or items[i] < core), None)
        if weak is None:
            return events
        side = 0 if users[weak[0]] < core else 1
        events = [event for event in events if event[side] != weak[side]]


@pytest.fixture(scope="module")
def shared() -> Iterator[Any]:
    con = ibis.duckdb.connect(":memory:", threads=2)
    yield con
    con.disconnect()


def load(con: Any, events: list[Event]) -> Any:
    for name in con.list_tables():  # not drop_table: see data.prepare.engine.keep
        if not name.startswith("ibis_"):
            con.raw_sql(f'DROP TABLE "{name}"')
    frame = pd.DataFrame(events, columns=["user", "item", "timestamp"])
    frame = frame.astype({"user": "string", "item": "string", "timestamp": "int64"})
    return ibis.memtable(frame.assign(position=range(len(frame))))


def rows(con: Any, table: Any, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in con.to_pyarrow(table.select(*columns)).to_pylist()]


@settings(deadline=None, max_examples=30)
@given(events=EVENTS, core=st.integers(1, 4))
def test_k_core_is_the_naive_one(shared: Any, events: list[Event], core: int) -> None:
    kept = k_core(shared, load(shared, events), core)
    assert sorted(rows(shared, kept, "user", "item", "timestamp")) == sorted(naive_core(events, core))


def test_repeats_do_not_count_but_stay(shared: Any) -> None:
    repeated = [("a", "a", time) for time in range(9)]
    assert not rows(shared, k_core(shared, load(shared, repeated), 2), "user")
    square = [("a", "b", 0), ("b", "a", 0), ("b", "b", 0)]
    assert len(rows(shared, k_core(shared, load(shared, repeated + square), 2), "user")) == 12


@settings(deadline=None, max_examples=20)
@given(events=EVENTS.filter(bool))
def test_ids_are_those_of_a_sorted_walk(shared: Any, events: list[Event]) -> None:
    numbered = number(shared, drop_duplicates(load(shared, events)))
    walk = sorted(dict.fromkeys(events), key=lambda event: (event[0], event[2], events.index(event)))
    users = {user: i for i, user in enumerate(dict.fromkeys(user for user, _, _ in walk))}
    items = {item: i for i, item in enumerate(dict.fromkeys(item for _, item, _ in walk), 1)}
    assert dict(rows(shared, numbered.users, "user", "user_id")) == users
    assert dict(rows(shared, numbered.items, "item", "item_id")) == items
    found = rows(shared, numbered.events.order_by("place"), "user_id", "item_id", "timestamp")
    assert found == [(users[user], items[item], time) for user, item, time in walk]


def test_never_bought_items_follow(shared: Any) -> None:
    numbered = number(shared, load(shared, [("u", "z", 0), ("u", "b", 1)]))
    catalogue = ibis.memtable({"item": ["é", "b", "a", "z", "Z"]})
    every = with_never_bought(shared, numbered.items, catalogue)
    assert rows(shared, every.order_by("item_id"), "item", "item_id") == [
        ("z", 1),
        ("b", 2),
        ("Z", 3),
        ("a", 4),
        ("é", 5),
    ]
