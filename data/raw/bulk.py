"""Interactions in delimited text or Parquet, read and checked by DuckDB on all cores."""

import glob
from pathlib import Path
from typing import Any

from data.errors import bad
from data.raw.events import LINE_BITS, Events
from data.raw.packed import AGAIN, unpack
from data.raw.timestamps import FRACTION, PER_SECOND, SECOND, WHOLE, Clock

NAME = "raw_lines"


def read_bulk(con: Any, events: Events, work: Path) -> Any | None:
    """The file as a table of the DuckDB backend; see ``read_events``, whose file has the same.

    Returns:
        The Ibis table; ``None`` where the format is another, or DuckDB finds a fault that `Events.lines` then names.

    Raises:
        ValueError: the file is empty, cut short or damaged.
    """
    import duckdb

    text = events.table.format == "text"
    if events.table.format not in ("text", "parquet") or (text and events.clock.unit == "date"):
        return None
    if not events.table.path.stat().st_size:
        raise bad(events.table.path, "the file is empty", AGAIN)
    lines = _text(con, events, work) if text else con.read_parquet(glob.escape(str(events.table.path)))
    try:
        # DuckDB inserts in the order of the file (preserve_insertion_order), whatever the number of threads.
        raw = con.create_table(NAME, _columns(lines, events))
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return None
    return _checked(con, raw)


def _text(con: Any, events: Events, work: Path) -> Any:
    table = events.table
    quote = '"' if table.quoted else ""
    return con.read_csv(
        glob.escape(str(unpack(table.path, work))),
        columns=dict.fromkeys(table.names, "VARCHAR"),
        header=table.header,
        auto_detect=False,
        delim=table.delimiter,
        quote=quote,
        escape=quote,
    )


def _columns(lines: Any, events: Events) -> Any:
    """Item, user, microseconds, and whether the row is good (null counts as no)."""
    micros = _micros(lines[events.time], events.clock)
    item, user = _key(lines[events.item]), _key(lines[events.user])
    good = item.notnull() & user.notnull() & micros.notnull()
    if events.rating is not None:
        rating = lines[events.rating].cast("string").try_cast("float64")
        good &= rating.notnull() & ~rating.isinf() & ~rating.isnan()
    return lines.select(item=item, user=user, micros=micros, good=good)


def _key(column: Any) -> Any:
    """Text that is not empty; whole numbers as text; null for any other type."""
    import ibis

    if not (column.type().is_string() or column.type().is_integer()):
        return ibis.null("string")
    return column.cast("string").nullif("")


def _micros(column: Any, clock: Clock) -> Any:
    """`Clock.micros` as an expression."""
    import ibis

    kind = column.type()
    if kind.is_timestamp() or kind.is_date():
        moment = column.cast("timestamp('UTC')") if kind.is_date() else column
        micros = moment.epoch_seconds().cast("int64") * SECOND + moment.microsecond().cast("int64")
        return (micros >= 0).ifelse(micros, None)
    if clock.unit == "date" or not (kind.is_string() or kind.is_numeric()):
        return ibis.null("int64")
    text, per, (least, largest) = column.cast("string"), PER_SECOND[clock.unit], clock.bounds()
    whole = text.re_search(WHOLE).ifelse(text, None).try_cast("int64")
    scaled = whole * (SECOND // per) if per <= SECOND else whole // (per // SECOND)
    micros = ((whole >= least) & (whole <= largest)).ifelse(scaled, None)
    if clock.whole:
        return micros
    number = text.re_search(FRACTION).ifelse(text, None).try_cast("float64")
    floored = (number * (SECOND // per) if per <= SECOND else number / (per // SECOND)).floor()
    fraction = ((number >= least) & (number <= largest)).ifelse(floored, None).try_cast("int64")
    return text.re_search(WHOLE).ifelse(micros, fraction)


def _checked(con: Any, raw: Any) -> Any | None:
    counts = raw.aggregate(lines=raw.count(), good=raw.good.sum()).execute().iloc[0]
    if not counts["lines"] or counts["lines"] != counts["good"]:
        con.raw_sql(f"DROP TABLE {NAME}")
        return None
    position = raw.micros % SECOND * (1 << LINE_BITS) + raw.rowid()
    return raw.select("item", "user", timestamp=raw.micros // SECOND, position=position)
