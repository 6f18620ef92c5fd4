from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from data.prepare.codes import code_keys
from data.prepare.core import drop_duplicates, k_core
from data.prepare.engine import Engine
from data.prepare.ids import number, with_never_bought
from tests.data.prepare.in_engine import rows

Event = tuple[str, str, int]
Tables = Callable[[Engine, dict[str, list[Any]]], Any]
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


def load(engine: Engine, tables: Tables, events: list[Event]) -> Any:
    columns = dict(zip(("user", "item", "timestamp"), map(list, zip(*events, strict=True)), strict=False))
    return tables(engine, columns | {"position": list(range(len(events)))})


@settings(deadline=None, max_examples=30)
@given(events=EVENTS.filter(bool), core=st.integers(1, 4))
def test_k_core_is_the_naive_one(duck: Engine, tables: Tables, events: list[Event], core: int) -> None:
    kept = k_core(duck, load(duck, tables, events), core)
    assert rows(duck, kept, "position", "user", "item", "timestamp") == naive_core(events, core)


def test_repeats_do_not_count_but_stay(engine: Engine, tables: Tables) -> None:
    repeated = [("a", "a", time) for time in range(9)]
    assert not rows(engine, k_core(engine, load(engine, tables, repeated), 2), "position", "user")


def test_a_square_keeps_its_repeats(engine: Engine, tables: Tables) -> None:
    events = [("a", "a", time) for time in range(9)] + [("a", "b", 0), ("b", "a", 0), ("b", "b", 0), ("c", "c", 0)]
    assert rows(engine, k_core(engine, load(engine, tables, events), 2), "position", "position") == [
        (i,) for i in range(12)
    ]


def walked(events: list[Event]) -> tuple[dict[str, int], dict[str, int], list[tuple[int, int, int]]]:
    """User ids, item ids and interactions, by a walk through the sorted events."""
    walk = sorted(dict.fromkeys(events), key=lambda event: (event[0].encode(), event[2], events.index(event)))
    users = {user: i for i, user in enumerate(dict.fromkeys(user for user, _, _ in walk))}
    items = {item: i for i, item in enumerate(dict.fromkeys(item for _, item, _ in walk), 1)}
    return users, items, [(users[user], items[item], time) for user, item, time in walk]


def check_numbers(engine: Engine, tables: Tables, events: list[Event]) -> None:
    users, items, interactions = walked(events)
    keys, coded = code_keys(engine, load(engine, tables, events))
    numbered = number(engine, drop_duplicates(coded), keys)
    assert rows(engine, numbered.users, "user_id", "user", "user_id") == list(users.items())
    assert rows(engine, numbered.items, "item_id", "item", "item_id") == list(items.items())
    assert rows(engine, numbered.events, "place", "user_id", "item_id", "timestamp") == interactions


@settings(deadline=None, max_examples=20)
@given(events=EVENTS.filter(bool))
def test_ids_are_those_of_a_sorted_walk(duck: Engine, tables: Tables, events: list[Event]) -> None:
    check_numbers(duck, tables, events)


def test_keys_are_ordered_by_their_bytes(engine: Engine, tables: Tables) -> None:
    """Not by a locale, nor by UTF-16, in which the last one would come before the one before it."""
    keys = ["", " ", "10", "9", "Z", "Za", "a", "É", "é", "e\u0301", "\u4e2d", "\uff5a", "\U0001d4b3"]
    assert sorted(keys, key=str.encode) != sorted(keys, key=lambda key: key.encode("utf-16-be"))
    events = [(key, key, time) for time in (1, 0) for key in reversed(keys)]
    check_numbers(engine, tables, events + [(f"user-{i:03}", f"item-{i % 7}", 3) for i in range(40)])


def test_never_bought_items_follow(engine: Engine, tables: Tables) -> None:
    keys, events = code_keys(engine, load(engine, tables, [("u", "z", 0), ("u", "b", 1)]))
    items = number(engine, events, keys).items
    catalogue = tables(engine, {"item": ["é", "b", "a", "z", "Z"]})
    found = with_never_bought(engine, items, catalogue)
    assert rows(engine, found, "item_id", "item", "item_id") == [("z", 1), ("b", 2), ("Z", 3), ("a", 4), ("é", 5)]
    nothing_else = with_never_bought(engine, items, tables(engine, {"item": ["b"]}))
    assert rows(engine, nothing_else, "item_id", "item") == [("z",), ("b",)]
