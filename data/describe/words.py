"""Numbers as a reader wants them."""

import numpy as np

NOT_TOLD = "not told"

_UNITS = (("year", 31_557_600), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def number(value: int) -> str:
    """``1234567`` as ``1,234,567``."""
    return f"{value:,}"


def many(value: int, noun: str) -> str:
    """``1 item``, ``2,000 items``."""
    return f"{number(value)} {noun}{'' if value == 1 else 's'}"


def share(value: float) -> str:
    """Percent with three significant digits, ``0.00123`` as ``0.123 %``; only what is all of it is ``100 %``."""
    percent = 100 * value
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.3g} %" if percent >= 0.001 or not percent else "< 0.001 %"


def part(count: int | None, whole: int) -> str:
    """A count with its share, where it is known."""
    return NOT_TOLD if count is None else f"{number(count)} ({share(count / whole)})"


def duration(seconds: int) -> str:
    """``5400`` as ``1.5 hours``: the largest unit that fits, one decimal below ten."""
    for unit, size in _UNITS:
        if seconds >= size:
            count = seconds / size
            told = f"{count:.1f}".removesuffix(".0") if count < 9.95 else f"{count:,.0f}"
            return f"{told} {unit}{'' if told == '1' else 's'}"
    return "0 seconds"


def date(seconds: int) -> str:
    """The day, UTC, as ``2018-09-30``."""
    return str(np.datetime64(seconds, "s").astype("datetime64[D]"))
