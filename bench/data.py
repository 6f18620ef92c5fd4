"""The data path: histories to a store, and the store to batches: ``python -m bench.data``."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from bench.harness import Measured, compare
from bench.options import Options, sized
from bench.report import Row
from bench.run import Rates, main
from data.batches import HistoryDataset
from data.build_store import open_store
from data.loader import HistoryLoader
from data.prepare.histories import HistoryWriter, Layout
from data.rows import Rows
from data.targets import targets_of


@dataclass
class DataOptions(Options):
    """MB/s of building the store from either layout, beside the parser's own; batches/s of the loader alone.

    Args:
        events: of all histories, about (1000000; smallest 2000).
        items: of the catalogue (50000; smallest 300).
        length: mean of a history (12; smallest 12).
        batch: of the loader (1024; smallest 32).
        window: of the loader (20; smallest 20).
    """

    events: int = sized(1_000_000, 2000)
    items: int = sized(50_000, 300)
    length: int = sized(12, 12)
    batch: int = sized(1024, 32)
    window: int = sized(20, 20)


def measure(options: DataOptions, rates: Rates) -> Iterator[Row]:
    """Rows of the parser, the store of each layout, and the loader."""
    with tempfile.TemporaryDirectory() as name:
        for layout in ("compact", "published"):
            domain = Path(name) / layout
            domain.mkdir()
            write_histories(domain, layout, options)
            yield from _store_rows(domain, layout, options)
        yield _loader_row(Path(name) / "compact", options)


def write_histories(folder: Path, layout: Layout, options: DataOptions) -> None:
    """Made histories of at least three events, geometric beyond, cut at 200."""
    rng = np.random.default_rng(0)
    with HistoryWriter(folder, layout, "leave_one_out") as writer:
        while writer.interactions < options.events:
            length = min(int(rng.geometric(1 / max(options.length - 2, 1))) + 2, 200)
            items_N = rng.integers(1, options.items + 1, length)
            stamps_N = np.sort(rng.integers(1_000_000_000, 1_700_000_000, length))
            user = np.array([writer.users])
            writer.write(Rows(user + 1, user, np.array([0, length]), items_N, stamps_N))


def _store_rows(domain: Path, layout: Layout, options: DataOptions) -> Iterator[Row]:
    files = sorted(domain.glob("*.jsonl"))
    megabytes = sum(file.stat().st_size for file in files) / 1e6

    def build() -> None:
        shutil.rmtree(domain / "store", ignore_errors=True)
        open_store(domain, options.items)

    def parse() -> None:
        for file in files:
            with file.open("rb") as lines:
                for line in lines:
                    orjson.loads(line)

    works = {f"store of the {layout} layout": build, "orjson on its lines": parse}
    for work, measured in compare(works, options.repeats, options.where).items():
        yield _row(work, measured, "MB", megabytes)


def _loader_row(domain: Path, options: DataOptions) -> Row:
    store = open_store(domain, options.items)
    dataset = HistoryDataset(store, targets_of(store, "train", "leave_one_out"), options.window)
    loader = HistoryLoader(dataset, options.batch, seed=1, workers=0)

    def epoch() -> None:
        for _ in loader:
            pass

    timed = compare({"loader, an epoch": epoch}, options.repeats, options.where)
    row = _row("loader, an epoch", timed["loader, an epoch"], "batches", len(loader))
    return {**row, "samples/s": len(dataset) / row["seconds"]}


def _row(work: str, measured: Measured, unit: str, amount: float) -> Row:
    told = {"work": work, "unit": unit, "amount": amount, **measured.row()}
    return {**told, "per_second": amount / measured.median}


if __name__ == "__main__":
    main("data", DataOptions, measure)
