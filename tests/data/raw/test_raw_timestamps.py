from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from data.raw.timestamps import LATEST, Clock, Unit, unit_of

MOMENT = 1_700_000_000


@pytest.mark.parametrize(
    ("unit", "value", "micros"),
    [
        ("s", MOMENT, MOMENT * 10**6),
        ("s", str(MOMENT), MOMENT * 10**6),
        ("s", 0, 0),
        ("s", LATEST, LATEST * 10**6),
        ("s", LATEST + 1, None),
        ("ms", MOMENT, None),
        ("ms", MOMENT * 1000 + 1, MOMENT * 10**6 + 1000),
        ("us", MOMENT * 1000, None),
        ("us", MOMENT * 10**6 + 1, MOMENT * 10**6 + 1),
        ("ns", MOMENT * 10**9 + 1999, MOMENT * 10**6 + 1),
        ("ns", 1 << 63, None),
        ("s", "1.5", None),
        ("s", 1.5, None),
        ("s", True, None),
        ("s", None, None),
        ("s", "١٢", None),
        ("date", "2023-11-14", 1_699_920_000 * 10**6),
        ("date", "2023-11-14 22:13:20.25", MOMENT * 10**6 + 250_000),
        ("date", "2023-11-15T00:13:20+02:00", MOMENT * 10**6),
        ("date", "yesterday", None),
        ("date", "1969-12-31", None),
        ("date", MOMENT, None),
        ("s", date(2023, 11, 14), 1_699_920_000 * 10**6),
        ("s", datetime(2023, 11, 15, 0, 13, 20, tzinfo=timezone(timedelta(hours=2))), MOMENT * 10**6),
    ],
)
def test_whole_times(unit: Unit, value: Any, micros: int | None) -> None:
    assert Clock(unit).micros(value) == micros


@pytest.mark.parametrize(
    ("value", "micros"),
    [("1.5", 1_500_000), (0.25, 250_000), ("1e9", 10**15), (float("nan"), None), (float("inf"), None), ("1e999", None)],
)
def test_fractions_where_they_are_allowed(value: Any, micros: int | None) -> None:
    assert Clock("s", whole=False).micros(value) == micros


def test_unit_is_told_by_the_size_of_the_number() -> None:
    for unit, per in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        for year in (1979, 2026):
            moment = int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * per
            assert unit_of(str(moment)) == unit_of(f"{moment}.0") == unit
    assert unit_of("") == unit_of("soon") == unit_of("0") == "s"
