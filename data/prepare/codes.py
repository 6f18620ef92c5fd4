"""Raw keys to integers, once, so that every later step moves numbers and not strings."""

from dataclasses import dataclass
from typing import Any

from data.prepare.engine import Engine
from data.prepare.numbers import numbered


@dataclass(frozen=True)
class Keys:
    """What the codes stand for (Ibis tables)."""

    users: Any
    """key (string), code (int64, in the order of the keys, bytewise)."""
    items: Any
    """The same of the items."""


def code_keys(engine: Engine, events: Any) -> tuple[Keys, Any]:
    """Number the users and the items of raw interactions (user, item: strings; timestamp, position).

    Returns:
        The codes, and the interactions with codes for keys.
    """
    users = _codes(engine, "user_codes", events.select(key=events.user))
    items = _codes(engine, "item_codes", events.select(key=events.item))
    coded = events.join(users.rename(user_code="code"), events.user == users.key).drop("key")
    coded = coded.join(items.rename(item_code="code"), coded.item == items.key).drop("key")
    coded = coded.select("timestamp", "position", user=coded.user_code, item=coded.item_code)
    return Keys(users, items), engine.keep("coded", coded)


def _codes(engine: Engine, name: str, keys: Any) -> Any:
    return numbered(engine, name, keys.distinct(), "key", 0).rename(code="id")
