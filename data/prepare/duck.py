"""DuckDB as the engine: one machine, all its cores, and the disk where memory ends."""

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data.errors import first_line
from data.prepare.memory import memory_bytes

_BATCH = 100_000  # rows


class DuckdbEngine:
    """See ``data.prepare.engine.Engine``; a table is one Parquet file.

    Args:
        con: an Ibis DuckDB backend.
        work: folder for the tables.
    """

    def __init__(self, con: Any, work: Path) -> None:
        self.con, self._work = con, work

    def table(self, path: Path) -> Any:
        """See ``Engine.table``."""
        return self.con.read_parquet(glob.escape(str(path)))

    def keep(self, name: str, expression: Any, *drop: str) -> Any:
        """See ``Engine.keep``."""
        path = self._path(name)
        quoted = str(path).replace("'", "''")
        self.con.raw_sql(f"COPY ({self.con.compile(expression)}) TO '{quoted}' (FORMAT parquet)")
        for old in drop:
            self._path(old).unlink()
        return self.table(path)

    def row(self, expression: Any) -> dict[str, Any]:
        """See ``Engine.row``."""
        (row,) = self.con.to_pyarrow(expression).to_pylist()
        return dict(row)

    def batches(self, table: Any, by: str, *columns: str) -> Iterator[Any]:
        """See ``Engine.batches``."""
        yield from self.con.to_pyarrow_batches(table.order_by(by).select(*columns), chunk_size=_BATCH)

    def _path(self, name: str) -> Path:
        return self._work / f"{name}.parquet"


@contextmanager
def duckdb_engine(
    work: Path, memory_limit: str | None, threads: int | None, reads_raw: bool = False
) -> Iterator[DuckdbEngine]:
    """DuckDB, spilling into a folder of ``work``.

    Args:
        work: folder for tables and what is spilled.
        memory_limit: as ``"4GB"``; ``None`` is DuckDB's own, 80 % of the machine.
        threads: ``None`` is one a core. The result does not depend on it.
        reads_raw: keep the order of the rows of raw files, which later steps must not need (it costs memory), and
            put the tables of the readers into a file.

    Raises:
        ValueError: too little memory.
        OSError: the disk is full, or another fault of it.
    """
    import duckdb
    import ibis

    options: dict[str, Any] = {"temp_directory": str(work / "spill"), "preserve_insertion_order": reads_raw}
    if memory_limit is not None:
        options["memory_limit"] = f"{memory_bytes(memory_limit)}B"
    if threads is not None:
        options["threads"] = threads
    con = ibis.duckdb.connect(str(work / "raw.duckdb") if reads_raw else ":memory:", **options)
    try:
        yield DuckdbEngine(con, work)
    except duckdb.OutOfMemoryException as error:
        raise ValueError(f"memory_limit {memory_limit}: {first_line(error)}. Allow more, or fewer threads.") from None
    except duckdb.IOException as error:
        raise OSError(f"{work}: {first_line(error)}") from None
    finally:
        con.disconnect()
