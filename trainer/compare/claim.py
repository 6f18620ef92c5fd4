"""What decides a folder's runs, written beside them once: those of another comparison are not taken for its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from data.errors import bad
from data.files import atomic_file


def claim(folder: Path, told: Mapping[str, Any]) -> None:
    """Write ``told``, plain values, to ``entry.json`` in the folder, unless it is there.

    Raises:
        ValueError: the folder holds runs of other settings.
    """
    path = folder / "entry.json"
    if not path.is_file():
        with atomic_file(path) as part:
            part.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        return
    was = orjson.loads(path.read_bytes())
    if differing := [name for name, value in told.items() if was.get(name) != value]:
        what = f"the runs here are of other {', '.join(differing)} than the comparison says now"
        raise bad(folder, what, "Give another --out, or remove this folder to run them again")
