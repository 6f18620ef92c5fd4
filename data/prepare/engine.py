"""What preparation runs on: the same Ibis expressions on DuckDB (one machine, out of core) or on Spark (a cluster).

Between two steps a table is a Parquet file, or a folder of such, in the work folder: no engine holds it in memory,
and the next step reads it in any number of pieces. So nothing may rest on the order of rows: what order there is
comes from numbers in the rows, and `Engine.batches` sorts by one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

from data.prepare.memory import memory_bytes

Kind = Literal["duckdb", "spark"]


class Engine(Protocol):
    """Computes Ibis expressions over tables of its work folder."""

    def table(self, path: Path) -> Any:
        """The rows of a Parquet file, or of all those in a folder, as an Ibis table."""

    def keep(self, name: str, expression: Any, *drop: str) -> Any:
        """Compute an expression into the table ``name``, then drop the tables it was made from."""

    def row(self, expression: Any) -> dict[str, Any]:
        """The only row of an aggregate."""

    def batches(self, table: Any, by: str, *columns: str) -> Iterator[Any]:
        """Columns of a table as Arrow record batches, sorted by the integers of ``by``; a few at a time in memory."""


def check_engine(kind: Kind, memory_limit: str | None, threads: int | None, master: str | None) -> None:
    """Refuse options before any work is done; see ``open_engine``."""
    if memory_limit is not None:
        memory_bytes(memory_limit)
    if threads is not None and threads < 1:
        raise ValueError(f"threads {threads}: at least 1 is needed.")
    if kind == "duckdb" and master is not None:
        raise ValueError(f"master {master}: only --engine spark has one. Leave it out.")
    if kind == "spark" and find_spec("pyspark") is None:
        raise ValueError("--engine spark needs pyspark and Java 17: pip install '.[spark]'.")


@contextmanager
def open_engine(
    kind: Kind, work: Path, memory_limit: str | None, threads: int | None, master: str | None = None
) -> Iterator[Engine]:
    """The engine, ended on exit.

    Args:
        kind: duckdb or spark.
        work: folder for tables and what is spilled; on a cluster every machine must see it under this path.
        memory_limit: of DuckDB, or of Spark's driver, as ``"4GB"``; ``None`` is the engine's own choice.
        threads: of DuckDB; ``None`` is one a core.
        master: of Spark; see ``data.prepare.spark``.

    Raises:
        ValueError: an option that makes no sense, Spark or Java is not there, or too little memory.
        OSError: the disk is full, or another fault of it.
    """
    check_engine(kind, memory_limit, threads, master)
    if kind == "spark":
        from data.prepare.spark import spark_engine

        with spark_engine(work, memory_limit, master) as spark:
            yield spark
        return
    from data.prepare.duck import duckdb_engine

    with duckdb_engine(work, memory_limit, threads) as duck:
        yield duck
