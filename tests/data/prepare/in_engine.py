"""Tables of an engine as Python rows."""

from typing import Any

from data.prepare.engine import Engine


def rows(engine: Engine, table: Any, by: str, *columns: str) -> list[tuple[Any, ...]]:
    """Columns in the order of one of them."""
    return [tuple(row.values()) for batch in engine.batches(table, by, *columns) for row in batch.to_pylist()]
