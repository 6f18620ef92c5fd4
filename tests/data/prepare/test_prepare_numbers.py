from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.prepare.engine import Engine
from data.prepare.numbers import numbered
from tests.data.prepare.in_engine import rows

Tables = Callable[[Engine, dict[str, list[Any]]], Any]
ANY = st.one_of(
    st.sets(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6), max_size=60),
    st.sets(st.text("ab", max_size=9), max_size=60).map(lambda keys: {f"shop-user-{key}" for key in keys}),
    st.sets(st.integers(0, 2**61), max_size=60),
    st.sets(st.integers(0, 600), max_size=300),
)


def ordered(values: set[Any]) -> list[Any]:
    return sorted(values, key=lambda value: value.encode() if isinstance(value, str) else value)


@settings(deadline=None, max_examples=40)
@given(values=ANY, first=st.integers(0, 9))
def test_numbers_follow_the_order(duck: Engine, tables: Tables, values: set[Any], first: int) -> None:
    made = numbered(duck, "numbers", tables(duck, {"key": list(values)}), "key", first)
    assert rows(duck, made, "id", "key", "id") == [(value, i) for i, value in enumerate(ordered(values), first)]


@pytest.mark.parametrize("values", [[f"k{i}" for i in range(300)], [i * i for i in range(300)]])
def test_numbers_are_integers(engine: Engine, tables: Tables, values: list[Any]) -> None:
    """Not the floating point numbers that DuckDB makes of a sum when it is written to Parquet."""
    made = numbered(engine, "numbers", tables(engine, {"key": values}), "key", 1)
    found = rows(engine, made, "id", "key", "id")
    assert found == [(value, i) for i, value in enumerate(ordered(set(values)), 1)]
    assert {type(number) for _, number in found} == {int}
    assert made.id.type().is_int64()
