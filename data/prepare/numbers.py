"""Row numbers in the order of a column, without one worker having to sort it all."""

from typing import Any

from data.prepare.engine import Engine

_BUCKETS = 256
_LETTERS = 3  # behind what all keys begin with; three of 36 make thousands of buckets


def numbered(engine: Engine, name: str, table: Any, by: str, first: int) -> Any:
    """The table with a column ``id``: ``first`` and up, in the order of ``by``, strings bytewise; kept as ``name``.

    A row number over everything is one partition: one worker, and in DuckDB one core. So the values are cut into
    buckets that follow one another, each is numbered by itself, and what lies before it is added.

    Args:
        engine: the engine.
        name: of the result.
        table: an Ibis table without columns ``id``, ``bucket`` and ``before``.
        by: a column of strings or integers, none twice and none null.
        first: the first number.
    """
    import ibis

    table = table.mutate(bucket=_bucket(engine, table, by))
    sizes = table.group_by("bucket").aggregate(size=table.count())
    up_to = sizes["size"].sum().over(order_by=sizes.bucket, rows=(None, 0))
    # By way of a decimal: DuckDB's sum is of 128 bits, for which Ibis takes int64, and a cast to that for nothing.
    before = sizes.select("bucket", before=(up_to.cast("decimal(38, 0)").cast("int64") - sizes["size"]))
    joined = table.join(before, "bucket")
    inside = ibis.row_number().over(group_by=joined.bucket, order_by=joined[by])
    return engine.keep(name, joined.mutate(id=joined.before + inside + first).drop("bucket", "before"))


def _bucket(engine: Engine, table: Any, by: str) -> Any:
    """Never lower for a higher value: the beginning of a string, or a range of integers."""
    column = table[by]
    ends = engine.row(table.aggregate(low=column.min(), high=column.max()))
    if ends["low"] is None:
        return column  # of an empty table
    if column.type().is_string():
        return column.substr(0, _alike(ends["low"], ends["high"]) + _LETTERS)
    return (column - ends["low"]) // ((ends["high"] - ends["low"]) // _BUCKETS + 1)


def _alike(one: str, other: str) -> int:
    """Letters that two strings both begin with; so do all between them."""
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
