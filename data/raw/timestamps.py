"""What counts as a time: a number of a known unit from 1970 to the year 9999, or a date; to microseconds."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

LATEST = 253_402_300_799  # 9999-12-31 in seconds; milliseconds of any date after 1978 lie above it

Unit = Literal["s", "ms", "us", "ns", "date"]
NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}

WHOLE = r"^\d{1,19}$"
FRACTION = r"^\d+(\.\d*)?([eE][+-]?\d+)?$"
SECOND = 1_000_000  # microseconds


@dataclass(frozen=True)
class Clock:
    """How a column tells the time.

    Units cannot be mixed up: numbers that would lie before 1978 in a unit finer than seconds are refused, and
    so are seconds after the year 9999, which is where the next unit begins.
    """

    unit: Unit = "s"
    whole: bool = True
    """Numbers must be whole."""

    def bounds(self) -> tuple[int, int]:
        """Least and largest number."""
        per = PER_SECOND[self.unit]
        return (0 if per == 1 else LATEST * per // 1_000 + 1), min(LATEST * per, (1 << 63) - 1)

    def remedy(self) -> str:
        """What a message says where a time is not as it should be."""
        if self.unit == "date":
            return "Times are dates as 2018-06-17 or 2018-06-17T08:30:00+02:00; mend or remove the line"
        least, largest = self.bounds()
        whole = "whole " if self.whole else ""
        hint = " (divide milliseconds by 1000)" if self.unit == "s" else ""
        return (
            f"Times are {whole}UNIX {NAMES[self.unit]} here, from {least} to {largest}{hint}; mend or remove the line"
        )

    def micros(self, value: Any) -> int | None:
        """Microseconds since 1970, or ``None`` where the value is no time."""
        if isinstance(value, date):
            return _date_micros(value)
        if self.unit == "date":
            return _parse_date(value) if isinstance(value, str) else None
        number = _number(value, self.whole)
        least, largest = self.bounds()
        if number is None or not least <= number <= largest:
            return None
        return scaled(number, PER_SECOND[self.unit])


SECONDS = Clock()
"""Whole UNIX seconds."""


def scaled(number: int | float, per_second: int) -> int:
    """A number of units to whole microseconds, rounded down."""
    if isinstance(number, int):
        return number * SECOND // per_second
    # Products and quotients of floats as DuckDB computes them.
    return math.floor(number * (SECOND // per_second) if per_second <= SECOND else number / (per_second // SECOND))


def unit_of(text: str) -> Unit:
    """The unit in which a number lies between 1978 and the year 9999; seconds where there is none."""
    number = _number(text, whole=False)
    for unit in ("ms", "us", "ns"):
        least, largest = Clock(unit).bounds()
        if number is not None and least <= number <= largest:
            return unit
    return "s"


def _number(value: Any, whole: bool) -> int | float | None:
    if type(value) is int:
        return value
    if type(value) is float:
        return None if whole or not math.isfinite(value) else value
    if isinstance(value, str) and value.isascii():
        if re.fullmatch(WHOLE, value):
            return int(value)
        if not whole and re.fullmatch(FRACTION, value):
            return float(value)
    return None


def _parse_date(text: str) -> int | None:
    try:
        return _date_micros(datetime.fromisoformat(text.strip()))
    except ValueError:
        return None


def _date_micros(value: date) -> int | None:
    """Of a date (its midnight) or a moment; UTC where no zone is told."""
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    passed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    micros = (passed.days * 86_400 + passed.seconds) * SECOND + passed.microseconds
    return micros if micros >= 0 else None
