import glob
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.raw.bulk import NAME, read_bulk
from data.raw.events import Events
from data.raw.find import picture_of
from data.raw.head import read_head
from data.raw.layouts.amazon_2018 import ratings, reviews
from data.raw.packed import unpack
from data.raw.read import read_events as write_events
from data.raw.table import Table
from data.raw.timestamps import Clock

GOOD = b"B1,u1,5.0,100\n"
BARE = ("item", "user", "rating", "timestamp")


@pytest.fixture
def con() -> Iterator[Any]:
    con = ibis.duckdb.connect(":memory:")
    yield con
    con.disconnect()


def read_events(con: Any, events: Events, work: Path) -> Any:
    return con.read_parquet(glob.escape(str(write_events(con, events, work))))


def _rows(table: Any) -> list[tuple[Any, ...]]:
    columns = table.select("item", "user", "timestamp", "position").order_by("position").to_pyarrow()
    return [tuple(row.values()) for row in columns.to_pylist()]


def bare(path: Path) -> Events:
    return Events("bare", Table(path, "text", BARE), "user", "item", "timestamp", rating="rating")


@pytest.mark.parametrize(
    "content", [GOOD + b"B2,u2,1,0", b"\xef\xbb\xbf" + GOOD + b'\n"B2",u2,1,0\n', b"B1,u1,5.0,100\r\nB2,u2,1,0\r\n"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_ratings(con: Any, tmp_path: Path, content: bytes, packed: bool) -> None:
    folder = tmp_path / "it's a [shop] *"  # what DuckDB would read as a pattern
    folder.mkdir()
    path = folder / ("r.csv.gz" if packed else "r.csv")
    path.write_bytes(gzip.compress(content) if packed else content)
    found = ratings(read_head(path))
    assert found is not None and found.layout == "Amazon 2018 ratings"
    assert _rows(read_events(con, found, tmp_path)) == [("B1", "u1", 100, 0), ("B2", "u2", 0, 1)]
    assert NAME in con.list_tables(), "DuckDB read it, not the slow way"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"B2,u2,1,1.5", "`timestamp` is '1.5'"),
        (b"B2,u2,1,soon", "`timestamp` is 'soon'"),
        (b"B2,u2,1,-5", "`timestamp` is '-5'"),
        (b"B2,u2,1,", "`timestamp` is ''"),
        (b"B2,u2,1,1500000000000", "whole UNIX seconds here, from 0 to 253402300799"),
        (b"B2,u2,1,99999999999999999999999", "`timestamp` is"),
        (b"B2,u2,good,5", "`rating` is 'good'"),
        (b"B2,u2,nan,5", "`rating` is 'nan'"),
        (b"B2,u2,5", "3 columns"),
        (b"B2,u2,1,5,6", "5 columns"),
        (b",u2,1,5", "there is no `item`"),
        (b"B2,,1,5", "there is no `user`"),
        (b"B\xff,u2,1,5", "not UTF-8"),
        (b'"B2,u2,1,5', "malformed"),
    ],
)
def test_bad_rating_is_named_with_its_line(con: Any, tmp_path: Path, line: bytes, told: str) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(GOOD + line + b"\n" + GOOD)
    with pytest.raises(ValueError, match=rf"r\.csv:[23]: .*{told}") as error:
        read_events(con, bare(path), tmp_path)
    if told != "malformed":  # an open quote is noticed where the file ends
        assert f"{path}:2: " in str(error.value)


def test_header_and_empty_file(con: Any, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(b"item,user,rating,timestamp\n" + GOOD)
    assert ratings(read_head(path)) is None, "a header is none of this layout"
    with pytest.raises(ValueError, match=r"r\.csv:1: `timestamp` is 'timestamp'"):
        read_events(con, bare(path), tmp_path)
    for content in (b"", b"\n \n"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"empty|no line"):
            read_events(con, bare(path), tmp_path)


def _review(**change: Any) -> bytes:
    row = {"asin": "B1", "reviewerID": "u1", "overall": 5.0, "unixReviewTime": 7} | change
    return orjson.dumps({key: value for key, value in row.items() if value is not ...})


def read_reviews(con: Any, path: Path, work: Path) -> list[tuple[Any, ...]]:
    found = reviews(read_head(path))
    assert found is not None
    return _rows(read_events(con, found, work))


def test_reviews(con: Any, tmp_path: Path) -> None:
    path = tmp_path / "r.json.gz"
    path.write_bytes(gzip.compress(_review() + b"\n" + _review(asin="B2")))
    assert read_reviews(con, path, tmp_path) == [("B1", "u1", 7, 1), ("B2", "u1", 7, 2)]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (_review(asin=...), "no `asin`"),
        (_review(reviewerID=""), "no `reviewerID`"),
        (_review(asin=1.5), "`asin` is 1.5, neither text nor a whole number"),
        (_review(asin=True), "`asin` is True"),
        (_review(asin=["B1"]), r"`asin` is \['B1'\]"),
        (_review(unixReviewTime=...), "`unixReviewTime` is None"),
        (_review(unixReviewTime=1.5), "`unixReviewTime` is 1.5"),
        (_review(unixReviewTime=-1), "`unixReviewTime` is -1"),
        (_review(unixReviewTime=True), "`unixReviewTime` is True"),
        (_review(unixReviewTime=1500000000000), "`unixReviewTime` is 1500000000000. Times are whole UNIX seconds"),
        (b"[]", r"not an object"),
        (b"{", "malformed"),
        (b"{'asin': 'B1'}", "malformed"),
    ],
)
def test_bad_review_is_named_with_its_line(con: Any, tmp_path: Path, line: bytes, told: str) -> None:
    path = tmp_path / "r.json.gz"
    path.write_bytes(gzip.compress(_review() + b"\n" + line + b"\n"))
    with pytest.raises(ValueError, match=rf"r\.json\.gz:2: .*{told}"):
        read_reviews(con, path, tmp_path)


KEY = st.text(st.characters(codec="utf-8", exclude_characters="\r\n;", exclude_categories=["Cs", "Cc"]), max_size=3)
TIME = st.one_of(
    st.sampled_from(["", "0", "1e9", "1.5", "1700000000", "1700000000123", "1.7e12", "9e99", "-1", "now", "1.", ".5"]),
    st.integers(0, 3 * 10**18).map(str),
    st.floats(0, 1e13, allow_nan=False).map(str),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(KEY, KEY, TIME), min_size=1, max_size=4), st.sampled_from(["s", "ms", "us", "ns"]))
def test_bulk_reads_what_line_by_line_reads(tmp_path: Path, rows: list[tuple[str, str, str]], unit: Any) -> None:
    """One rule in two languages: DuckDB gives the same rows, or nothing where a line is bad."""
    path = tmp_path / "events.csv"
    path.write_text("user;item;time\n" + "".join(";".join(row) + "\n" for row in rows), "utf-8")
    table = Table(path, "text", ("user", "item", "time"), ";", header=True, quoted=False)
    events = Events("test", table, "user", "item", "time", Clock(unit, whole=False))
    try:
        expected = [row[:3] for row in events.lines()]
    except ValueError:
        expected = None
    con = ibis.duckdb.connect(":memory:")
    try:
        found = read_bulk(con, events, tmp_path)
        assert (found is None) == (expected is None)
        if found is not None:
            assert [row[:3] for row in _in_file_order(con)] == expected
    finally:
        con.disconnect()


def _in_file_order(con: Any) -> list[tuple[str, str, int]]:
    lines = con.table(NAME).to_pyarrow().to_pylist()
    return [(line["item"], line["user"], line["micros"] // 1_000_000) for line in lines]


@pytest.mark.parametrize(
    ("times", "unit"),
    [
        (pa.array([1_700_000_000, 1_600_000_000]), "s"),
        (pa.array([1_700_000_000.25, 1_600_000_000.0]), "s"),
        (pa.array(["1700000000000", "1600000000000"]), "ms"),
        (pa.array([1_700_000_000_000_000, 1_600_000_000_000_000], pa.timestamp("us")), "date"),
        (pa.array([1_700_000_000_000, 1_600_000_000_000], pa.timestamp("ms", "Europe/Berlin")), "date"),
        (pa.array([1_700_000_000_000_000_000, 1_600_000_000_000_000_000], pa.timestamp("ns")), "s"),
    ],
    ids=["int", "float", "text", "moment", "zone", "ns"],
)
def test_parquet(con: Any, tmp_path: Path, times: Any, unit: Any) -> None:
    path = tmp_path / "shop.parquet"
    pq.write_table(pa.table({"who": pa.array([7, 8]), "what": ["a", "b"], "at": times, "other": [[1], []]}), path)
    events = Events("test", Table(path, "parquet"), "who", "what", "at", Clock(unit, whole=False))
    found = [row[:3] for row in _rows(read_events(con, events, tmp_path))]
    assert sorted(found) == [("a", "7", 1_700_000_000), ("b", "8", 1_600_000_000)]
    assert sorted(row[:3] for row in events.lines()) == sorted(found)
    assert NAME in con.list_tables()


def test_day_in_parquet(con: Any, tmp_path: Path) -> None:
    path = tmp_path / "shop.parquet"
    pq.write_table(pa.table({"who": ["u"], "what": ["a"], "at": pa.array([19675], pa.date32())}), path)
    events = Events("test", Table(path, "parquet"), "who", "what", "at", Clock("date"))
    assert _rows(read_events(con, events, tmp_path))[0][2] == 19675 * 86_400


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("who", [1.5, 2.0], r":1: `who` is 1.5, neither"),
        ("what", ["a", None], r":2: there is no `what`"),
        ("at", [5, None], r":2: `at` is None"),
        ("at", [[5], [6]], r":1: `at` is \[5\]"),
    ],
)
def test_bad_row_of_parquet(con: Any, tmp_path: Path, column: str, values: list[Any], told: str) -> None:
    path = tmp_path / "shop.parquet"
    pq.write_table(pa.table({"who": [1, 2], "what": ["a", "b"], "at": [5, 6]} | {column: values}), path)
    with pytest.raises(ValueError, match=r"shop\.parquet" + told):
        read_events(con, Events("test", Table(path, "parquet"), "who", "what", "at"), tmp_path)


def test_events_of_one_second_keep_their_fractions(con: Any, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    lines = ["u,late,1700000000900", "u,early,1700000000100", "u,same,1700000000100", "u,before,1699999999999"]
    path.write_text("user,item,time\n" + "\n".join(lines))
    events = Events(
        "test", Table(path, "text", ("user", "item", "time"), header=True), "user", "item", "time", Clock("ms")
    )
    found = read_events(con, events, tmp_path).order_by("timestamp", "position").to_pyarrow().to_pydict()
    assert found["item"] == ["before", "early", "same", "late"]
    slow = sorted(events.lines(), key=lambda row: row[2:])
    assert [row[0] for row in slow] == found["item"]
    assert len(set(found["position"])) == 4


def test_what_duckdb_refuses_is_read_line_by_line(con: Any, tmp_path: Path) -> None:
    """Dates: DuckDB would drop a zone without a word."""
    path = tmp_path / "events.csv"
    path.write_text("user,item,time\nu,a,2024-05-01T12:00:00+02:00\nu,b,2024-05-01\nu,c,2024-05-01T00:00:01Z\n")
    table = Table(path, "text", ("user", "item", "time"), header=True)
    events = Events("test", table, "user", "item", "time", Clock("date"))
    noon = 1_714_557_600 - 36_000
    assert [row[2] for row in _rows(read_events(con, events, tmp_path))] == [noon + 36_000, noon, noon + 1]


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_packed_text_cut_short(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"r.csv.{kind}"
    content = GOOD * 10_000
    whole = gzip.compress(content) if kind == "gz" else pa.Codec("zstd").compress(content, asbytes=True)
    path.write_bytes(whole)
    assert unpack(path, tmp_path).read_bytes() == content
    path.write_bytes(whole[:-6])
    with pytest.raises(ValueError, match=rf"r\.csv\.{kind}: the {kind} file is cut short, behind line \d+"):
        unpack(path, tmp_path)


def test_jpg_comes_first() -> None:
    assert picture_of("a", {"a.webp", "a.png", "a.jpg", "b.jpg"}) == "a.jpg"
    assert picture_of("c", {"a.png"}) is None
