"""The database the preparation runs in: Ibis on DuckDB, spilling to a folder of its own."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def engine(work: Path, memory_limit: str | None, threads: int | None) -> Iterator[Any]:
    """An Ibis DuckDB backend, in memory as far as the limit allows.

    Args:
        work: folder to spill into.
        memory_limit: as ``"4GB"``; ``None`` is DuckDB's own, 80 % of the machine.
        threads: of DuckDB; ``None`` is one a core. The result does not depend on it.

    Raises:
        ValueError: a limit that is not a number and a unit, less than one thread, or too little memory.
        OSError: the disk is full, or another fault of it.
    """
    import duckdb
    import ibis

    options: dict[str, Any] = {"temp_directory": str(work / "spill"), "preserve_insertion_order": True}
    if memory_limit is not None:
        if not re.fullmatch(r"\d+(\.\d+)? ?([KMGT]i?B)", memory_limit):
            raise ValueError(f"memory_limit {memory_limit!r}: write a number and a unit, as 4GB.")
        options["memory_limit"] = memory_limit
    if threads is not None:
        if threads < 1:
            raise ValueError(f"threads {threads}: at least 1 is needed.")
        options["threads"] = threads
    con = ibis.duckdb.connect(":memory:", **options)
    try:
        yield con
    except duckdb.OutOfMemoryException as error:
        raise ValueError(f"memory_limit {memory_limit}: {_first(error)}. Allow more, or fewer threads.") from None
    except duckdb.IOException as error:
        raise OSError(f"{work}: {_first(error)}") from None
    finally:
        con.disconnect()


def _first(error: Exception) -> str:
    return str(error).splitlines()[0]


def keep(con: Any, name: str, expression: Any, *drop: str) -> Any:
    """Compute an expression into the table ``name``, then drop the tables it was made from."""
    table = con.create_table(name, expression)
    for old in drop:
        # not con.drop_table: ibis 12 with sqlglot 30 writes a DROP without the name
        con.raw_sql(f"DROP TABLE IF EXISTS {old}")
    return table
