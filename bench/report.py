"""A benchmark's result: one table to read, one JSON file to keep."""

import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from tabulate import tabulate

from data.files import atomic_file

logger = logging.getLogger(__name__)

Row = dict[str, Any]


def write_result(result: dict[str, Any], folder: Path) -> Path:
    """Write ``<date>-<benchmark>-<cpu>.json``, whole or not at all; the same day's earlier result is replaced."""
    device = result["machine"].get("gpu") or result["machine"]["cpu"]
    slug = re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
    path = folder / f"{result['date'][:10]}-{result['benchmark']}-{slug}.json"
    with atomic_file(path) as part:
        part.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY) + b"\n")
    return path


def today() -> str:
    """Date and time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def log_result(result: dict[str, Any]) -> None:
    """One table under a line that tells machine, threads and matmul rates."""
    rates = ", ".join(f"{name} {rate['gflops']:.4g} GFLOP/s" for name, rate in result["matmul"].items())
    machine = result["machine"]
    told = machine.get("gpu") or f"{machine['cpu']}, {machine['cores']} cores"
    logger.info("\n%s on %s, %s threads; matmul %s", result["benchmark"], told, result["threads"], rates)
    logger.info("%s", table(result["rows"]))


def table(rows: list[Row]) -> str:
    """A column a key, in the order in which they first appear; four significant digits."""
    heads = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_cell(row.get(head)) for head in heads] for row in rows]
    return tabulate(cells, heads, disable_numparse=True, maxcolwidths=36)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
