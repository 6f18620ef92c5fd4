"""Interactions of any layout: item, user, second, and their order, checked line by line."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from data.errors import bad
from data.raw.table import Table
from data.raw.timestamps import SECOND, SECONDS, Clock

LINE_BITS = 40  # of a position; the microseconds of a second are above them


@dataclass(frozen=True)
class Events:
    """A file of interactions, and which of its columns says what."""

    layout: str
    """Name of the layout, for people."""
    table: Table
    user: str
    item: str
    time: str
    clock: Clock = SECONDS
    rating: str | None = None
    """Checked to be a number where it is named; plays no other part."""

    def lines(self) -> Iterator[tuple[str, str, int, int]]:
        """Yield ``(item, user, timestamp in seconds, position)``, one line at a time.

        The position orders events of one second: by the microseconds that the second leaves out, then by line.

        Raises:
            ValueError: the file is missing, empty, cut short; a line is malformed, lacks a key, or its time
                or rating is none (with the line).
        """
        for number, row in self.table.rows():
            item, user = self._key(number, row, self.item), self._key(number, row, self.user)
            micros = self.clock.micros(row.get(self.time))
            if micros is None:
                raise self._bad(f"`{self.time}` is {row.get(self.time)!r}", number, self.clock.remedy())
            if self.rating is not None and not _is_number(row.get(self.rating)):
                raise self._bad(f"`{self.rating}` is {row.get(self.rating)!r}, not a number", number)
            yield item, user, micros // SECOND, micros % SECOND << LINE_BITS | number

    def _key(self, number: int, row: dict[str, Any], name: str) -> str:
        value = row.get(name)
        if value is None or value == "":
            raise self._bad(f"there is no `{name}`", number)
        if isinstance(value, str):
            return value
        if type(value) is not int:
            raise self._bad(f"`{name}` is {value!r}, neither text nor a whole number", number)
        return str(value)

    def _bad(self, what: str, line: int, remedy: str | None = None) -> ValueError:
        return bad(self.table.path, what, remedy or self.table.remedy(), line)


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and math.isfinite(float(value))
    except (TypeError, ValueError):
        return False
