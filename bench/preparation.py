"""A shop from raw files to its store, at growing sizes: ``python -m bench.preparation``."""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench.child import run_child
from bench.harness import once
from bench.options import Options, sized
from bench.report import Row
from bench.run import Rates, main
from data.prepare.engine import Kind
from data.prepare.histories import Layout
from data.sample import make_sample

_STORE = "import sys; from pathlib import Path; from data.domain import Domain; Domain(Path(sys.argv[1])).store()"


@dataclass
class PreparationOptions(Options):
    """Seconds and peak memory of preparing made shops (``prepare.py domain``: read, k-core, number, write; store).

    Each shop is made first, in a folder that is removed afterwards; that time is told too. Each step runs once,
    whatever ``repeats``, without a warm-up and in a process of its own: as a user's does. Its memory is that of all
    its processes.

    Args:
        interactions: of the raw files, about ([10000000]; smallest [4000]).
        items: of each shop (100000; smallest 100).
        length: mean of a history (12).
        core: of the k-core.
        layout: of the history files.
        engine: duckdb or spark.
        master: of Spark.
        memory_limit: of DuckDB, or of Spark's driver.
        work: folder for the shops; by default the system's for temporary files. 50 million take 12 GB.
    """

    interactions: tuple[int, ...] = sized((10_000_000,), (4000,))
    items: int = sized(100_000, 100)
    length: int = 12
    core: int = 5
    layout: Layout = "compact"
    engine: Kind = "duckdb"
    master: str | None = None
    memory_limit: str = "2GB"
    work: Path | None = None


def measure(options: PreparationOptions, rates: Rates) -> Iterator[Row]:
    """Rows of making each shop, preparing it, and building its store."""
    for interactions in options.interactions:
        with tempfile.TemporaryDirectory(dir=options.work) as name:
            yield from _shop(Path(name), interactions, options)


def _shop(folder: Path, interactions: int, options: PreparationOptions) -> Iterator[Row]:
    raw, domain = folder / "raw", folder / "domain"
    measured = {
        "make the raw files": once(lambda: _make(raw, interactions, options), options.where),
        "raw files to domain": run_child(_prepare(raw / "Bench", domain, options)),
        "domain to store": run_child([sys.executable, "-c", _STORE, str(domain)]),
    }
    kept = orjson.loads((domain / "manifest.json").read_bytes())["interactions"]
    for step, one in measured.items():
        told = {"step": step, "interactions": interactions, "kept": kept}
        yield {**told, "us_each": one.median / interactions * 1e6, **one.row()}


def _make(raw: Path, interactions: int, options: PreparationOptions) -> None:
    make_sample(
        raw,
        shops=("Bench",),
        target=None,
        users=max(1, interactions // options.length),
        items=options.items,
        length=options.length,
        image_size=0,
    )


def _prepare(raw: Path, domain: Path, options: PreparationOptions) -> list[str]:
    told = {"raw": raw, "out": domain, "core": options.core, "layout": options.layout, "engine": options.engine}
    told |= {"master": options.master, "memory_limit": options.memory_limit, "threads": options.threads}
    given = [f"--{name}={value}" for name, value in told.items() if value is not None]
    return [sys.executable, "prepare.py", "domain", *given]


if __name__ == "__main__":
    main("preparation", PreparationOptions, measure)
