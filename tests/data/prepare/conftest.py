"""Both engines: DuckDB, and one local Spark session for all tests."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.prepare.engine import Engine, Kind, open_engine

MASTER = "local[2]"


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Keeps a session open, which every Spark engine of this process then works in."""
    pytest.importorskip("pyspark", reason="pyspark is not installed (pip install '.[spark]')")
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        pytest.skip("Spark needs Java, which is not here")
    with open_engine("spark", tmp_path_factory.mktemp("spark"), "1GB", None, MASTER) as engine:
        yield engine


@pytest.fixture(params=["duckdb", "spark"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    kind: Kind = request.param
    if kind == "spark":
        request.getfixturevalue("spark")
    work = tmp_path / "work [of] it's"
    work.mkdir()
    with open_engine(kind, work, None, None if kind == "spark" else 2) as opened:
        yield opened


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """For many small examples."""
    with open_engine("duckdb", tmp_path_factory.mktemp("duck"), None, 2) as opened:
        yield opened


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Engine, dict[str, list[Any]]], Any]:
    """Columns as a table of an engine; empty ones are strings."""
    folder = tmp_path_factory.mktemp("tables")
    made = iter(range(1_000_000))

    def table(engine: Engine, columns: dict[str, list[Any]]) -> Any:
        path = folder / f"{next(made)}.parquet"
        arrays = {name: pa.array(values, None if values else pa.string()) for name, values in columns.items()}
        pq.write_table(pa.table(arrays), path)
        return engine.table(path)

    return table
