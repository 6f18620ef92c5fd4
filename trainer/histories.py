"""Histories as a user gives them, with raw item ids, checked and looked up in a catalogue."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from data.errors import bad
from data.raw.jsonl import read_jsonl
from data.raw.timestamps import LATEST, SECONDS

_KEYS = {"user", "items", "times"}
_ROW = 'A row is {"user": "…", "items": ["item id", …], "times": [seconds, …]}, user and times optional'
_ORDER = "Give one time an item, in whole UNIX seconds, oldest first; or none at all"


@dataclass(frozen=True)
class History:
    """One request.

    Attributes:
        user: as given, None where it was not.
        items: ids (from 1) of the items that the catalogue has, oldest first.
        times: UNIX seconds of these items, None where no times were given.
        unknown: raw ids that the catalogue does not have, each once.
    """

    user: str | None
    items: list[int]
    times: list[int] | None
    unknown: list[str]


def look_up(
    items: Sequence[str], times: Sequence[int] | None, ids: Mapping[str, int], user: str | None = None
) -> History:
    """Leave out, and name, what the catalogue ``ids`` (raw id → id) does not have."""
    kept = [at for at, item in enumerate(items) if item in ids]
    return History(
        user,
        [ids[items[at]] for at in kept],
        None if times is None else [times[at] for at in kept],
        list(dict.fromkeys(item for item in items if item not in ids)),
    )


def one_history(items: str, times: Sequence[int] | None, ids: Mapping[str, int]) -> History:
    """The history of ``--items`` and ``--times``.

    Raises:
        ValueError: no item is named, the catalogue has none of them, or the times are not right.
    """
    named = split_ids(items)
    if not named or "" in named:
        raise bad("--items", f"{items!r} names no item or an empty one", "Give raw item ids: --items '[B001, B002]'")
    _check_times("--times", named, times, None)
    history = look_up(named, times, ids)
    if not history.items:
        what = f"none of {', '.join(history.unknown[:5])} is in the catalogue of {len(ids)} items"
        raise bad("--items", what, "Give ids as in the domain's item2id.jsonl, or another --domain")
    return history


def split_ids(text: str) -> list[str]:
    """Ids of ``'[B001, 0002]'``, ``'["B001", "0002"]'`` or ``'B001,0002'``; never read as numbers."""
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        parsed = None
    if isinstance(parsed, list) and all(isinstance(part, str) for part in parsed):
        return parsed
    inner = text.strip().removeprefix("[").removesuffix("]").strip()
    return [part.strip().strip("\"'") for part in inner.split(",")] if inner else []


def read_histories(path: Path, ids: Mapping[str, int]) -> Iterator[History]:
    """The rows of a jsonl file, in its order; a row may be empty or all unknown.

    Raises:
        ValueError: the file is missing or empty, or a row is malformed (file and line are named).
    """
    for line, row in read_jsonl(path):
        if not isinstance(row, dict) or "items" not in row or not row.keys() <= _KEYS:
            found = f"keys {sorted(row)}" if isinstance(row, dict) else type(row).__name__
            raise bad(path, f"not a history ({found})", _ROW, line)
        user, items, times = row.get("user"), row["items"], row.get("times")
        if not isinstance(user, str | None):
            raise bad(path, f"the user {user!r} is not a text", _ROW, line)
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise bad(path, "items is not a list of item ids, each a text", _ROW, line)
        _check_times(path, items, times, line)
        yield look_up(items, times, ids, user)


def _check_times(place: Path | str, items: Sequence[str], times: Any, line: int | None) -> None:
    if times is None:
        return
    if not isinstance(times, list) or len(times) != len(items):
        found = f"{len(times)} times" if isinstance(times, list) else f"times that are a {type(times).__name__}"
        raise bad(place, f"{found} for {len(items)} items", _ORDER, line)
    for time in times:
        if type(time) is not int or not 0 <= time <= LATEST:
            raise bad(place, f"{time!r} is not a time", SECONDS.remedy(), line)
    if any(later < earlier for earlier, later in pairwise(times)):
        raise bad(place, "times go backwards", _ORDER, line)
