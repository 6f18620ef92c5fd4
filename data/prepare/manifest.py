"""``manifest.json``: what a processed folder was made from, and how much each step left."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

from data.errors import bad
from data.prepare.histories import HistoryWriter, Split

NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Step:
    """Sizes after one step."""

    step: str
    users: int
    items: int
    interactions: int


@dataclass
class Manifest:
    """Content of ``manifest.json``; the first six fields decide whether a folder can be reused."""

    domain: str
    kind: Literal["domain", "merged"]
    split: Split
    options: dict[str, Any]
    inputs: dict[str, str]
    """Name of each input → sha256."""
    format: int = FORMAT
    layouts: dict[str, str] = field(default_factory=dict)
    """Role of each raw file → the layout that its first lines showed; none of a merged domain."""
    steps: list[Step] = field(default_factory=list)
    users: int = 0
    items: int = 0
    interactions: int = 0
    repeat_rate: float = 0.0
    """Share of interactions whose item the user had before."""

    def recipe(self) -> dict[str, Any]:
        """What the folder is made from and how, without what came of it."""
        return {name: getattr(self, name) for name in ("format", "domain", "kind", "split", "options", "inputs")}

    def count(self, writer: HistoryWriter) -> None:
        """Take over what the writer of the histories counted."""
        self.users, self.interactions = writer.users, writer.interactions
        self.repeat_rate = writer.repeat_rate

    def write(self, folder: Path) -> None:
        """Write into the folder."""
        text = orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)
        (folder / NAME).write_bytes(text + b"\n")


def stored_manifest(folder: Path) -> Any:
    """What the manifest of a processed folder holds, or ``None`` where it has none.

    Raises:
        ValueError: it is not JSON.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        return orjson.loads(path.read_bytes())
    except ValueError as error:
        raise bad(path, f"malformed ({error})", "Remove the folder and prepare it again") from None


def stored_recipe(folder: Path) -> dict[str, Any] | None:
    """The recipe of a processed folder, or ``None`` where it has no manifest; raises as ``stored_manifest``."""
    stored = stored_manifest(folder)
    if stored is None:
        return None
    return {name: stored.get(name) for name in ("format", "domain", "kind", "split", "options", "inputs")}


def differences(stored: dict[str, Any], wanted: dict[str, Any]) -> str:
    """The entries in which two recipes differ, in words."""
    told = []
    for name, value in wanted.items():
        old = stored.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            keys = sorted(value.keys() | old.keys())
            told += [f"{name}.{key}" for key in keys if value.get(key) != old.get(key)]
        elif old != value:
            told.append(name)
    return ", ".join(told)
