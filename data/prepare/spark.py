"""Spark as the engine: a cluster by its address, or threads of this machine (``local[4]``)."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data.errors import bad, first_line
from data.prepare.memory import memory_bytes

LOCAL = "local[*]"
_BATCH = 100_000  # rows
_GLOB = str.maketrans({character: f"\\{character}" for character in "\\{}[]*?"})


class SparkEngine:
    """See ``data.prepare.engine.Engine``; a table is a folder of Parquet files.

    Args:
        session: a SparkSession.
        work: folder for the tables, which driver and executors see under the same path.
    """

    def __init__(self, session: Any, work: Path) -> None:
        import ibis

        self._session, self._work = session, work
        self._con = ibis.pyspark.connect(session)

    def table(self, path: Path) -> Any:
        """See ``Engine.table``."""
        import ibis

        name = ibis.util.gen_name("tributary")
        self._session.read.parquet(f"file://{path.resolve()}".translate(_GLOB)).createOrReplaceTempView(name)
        return self._con.table(name)

    def keep(self, name: str, expression: Any, *drop: str) -> Any:
        """See ``Engine.keep``."""
        path = self._write(name, self._frame(expression))
        for old in drop:
            shutil.rmtree(self._work / old)
        return self.table(path)

    def row(self, expression: Any) -> dict[str, Any]:
        """See ``Engine.row``."""
        (row,) = self._frame(expression).collect()
        return dict(row.asDict())

    def batches(self, table: Any, by: str, *columns: str) -> Iterator[Any]:
        """See ``Engine.batches``: sorted by ranges, a file each, which are read here one after the other."""
        import pyarrow.parquet as pq

        path = self._write("sorted", self._frame(table).sort(by).select(*columns))
        for part in sorted(path.glob("part-*.parquet")):
            with pq.ParquetFile(part) as file:
                yield from file.iter_batches(_BATCH)
        shutil.rmtree(path)

    def _frame(self, expression: Any) -> Any:
        return self._session.sql(self._con.compile(expression))

    def _write(self, name: str, frame: Any) -> Path:
        path = self._work / name
        frame.write.parquet(f"file://{path.resolve()}")
        return path


@contextmanager
def spark_engine(work: Path, memory_limit: str | None, master: str | None) -> Iterator[SparkEngine]:
    """Spark in the session that runs in this process, or in one of its own.

    Args:
        work: folder for tables, and for what the threads of this machine spill; absolute paths in it go to executors.
        memory_limit: of the driver, which in local mode does all work; ``None`` is Spark's own. Executors have what
            Spark's own configuration gives them.
        master: ``local[n]``, ``spark://host:port``, ``yarn``, ``k8s://…``; ``None`` is ``local[*]``.

    Raises:
        ValueError: no session could be had of ``master``, or Java is not there.
    """
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    session = running or _session(work, memory_limit, master or LOCAL)
    try:
        yield SparkEngine(session, work)
    finally:
        if running is None:
            session.stop()


def _session(work: Path, memory_limit: str | None, master: str) -> Any:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    try:
        builder = SparkSession.builder.master(master).appName("tributary")
        for name, value in _settings(work, memory_limit, master).items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
    except (Py4JError, PySparkException) as error:
        told = f"no Spark session ({first_line(error)})"
        raise bad(f"master {master}", told, "Is Java 17 there, and the address right?") from None
    session.sparkContext.setLogLevel("ERROR")
    return session


def _settings(work: Path, memory_limit: str | None, master: str) -> dict[str, str]:
    settings = {"spark.ui.showConsoleProgress": "false", "spark.sql.catalogImplementation": "in-memory"}
    if memory_limit is not None:
        settings["spark.driver.memory"] = f"{memory_bytes(memory_limit) // 1024**2}m"
    if master.startswith("local"):
        # A cluster's own settings stand. Here one process does it all; 200 pieces of each small table would cost most.
        settings |= {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "16"}
        settings |= {"spark.driver.host": "localhost", "spark.driver.bindAddress": "127.0.0.1"}
        settings |= {"spark.local.dir": str(work / "spill"), "spark.sql.warehouse.dir": str(work / "warehouse")}
    return settings
