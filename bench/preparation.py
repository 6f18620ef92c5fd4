"""A shop from raw files to its store: ``python -m bench.preparation``."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.harness import Work, once
from bench.options import Options, sized
from bench.report import Row
from bench.run import Rates, main
from data.domain import Domain
from data.prepare import prepare_domain
from data.prepare.histories import Layout
from data.sample import make_sample


@dataclass
class PreparationOptions(Options):
    """Seconds and peak memory of preparing a made shop (``prepare.py domain``: read, k-core, number, write; store).

    The shop is made first, in a folder that is removed afterwards; that time is told too. Each step runs once,
    whatever ``repeats``, without a warm-up: as a user's does.

    Args:
        interactions: of the raw file, about (10000000; smallest 4000).
        items: of the shop (100000; smallest 100).
        length: mean of a history (12).
        core: of the k-core.
        layout: of the history files.
        memory_limit: of the database.
    """

    interactions: int = sized(10_000_000, 4000)
    items: int = sized(100_000, 100)
    length: int = 12
    core: int = 5
    layout: Layout = "compact"
    memory_limit: str = "4GB"


def measure(options: PreparationOptions, rates: Rates) -> Iterator[Row]:
    """Rows of making the shop, preparing it, and building its store."""
    with tempfile.TemporaryDirectory() as name:
        raw, domain = Path(name) / "raw", Path(name) / "domain"
        steps: dict[str, Work] = {
            "make the raw files": lambda: _make(raw, options),
            "raw files to domain": lambda: _prepare(raw / "Bench", domain, options),
            "domain to store": lambda: Domain(domain).store(),
        }
        measured = {step: once(work, options.where) for step, work in steps.items()}
        events = int(Domain(domain).store().offsets[-1])
    for step, one in measured.items():
        yield {"step": step, "interactions": options.interactions, "kept": events, **one.row()}


def _make(raw: Path, options: PreparationOptions) -> None:
    make_sample(
        raw,
        shops=("Bench",),
        target=None,
        users=max(1, options.interactions // options.length),
        items=options.items,
        length=options.length,
        image_size=0,
    )


def _prepare(raw: Path, domain: Path, options: PreparationOptions) -> None:
    prepare_domain(
        raw,
        domain,
        core=options.core,
        layout=options.layout,
        memory_limit=options.memory_limit,
        threads=options.threads,
    )


if __name__ == "__main__":
    main("preparation", PreparationOptions, measure)
