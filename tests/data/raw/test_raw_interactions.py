import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import orjson
import pytest

from data.raw.find import find_raw, picture_of
from data.raw.ratings import read_ratings
from data.raw.reviews import read_reviews

GOOD = b"B1,u1,5.0,100\n"


@pytest.fixture
def con() -> Iterator[Any]:
    con = ibis.duckdb.connect(":memory:")
    yield con
    con.disconnect()


def _rows(table: Any) -> list[tuple[Any, ...]]:
    columns = table.select("item", "user", "timestamp", "position").order_by("position").to_pyarrow()
    return [tuple(row.values()) for row in columns.to_pylist()]


@pytest.mark.parametrize(
    "content", [GOOD + b"B2,u2,1,0", b"\xef\xbb\xbf" + GOOD + b'\n"B2",u2,1,0\n', b"B1,u1,5.0,100\r\nB2,u2,1,0\r\n"]
)
def test_ratings(con: Any, tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "it's a [shop] *"  # what DuckDB would read as a pattern
    folder.mkdir()
    (folder / "r.csv").write_bytes(content)
    assert _rows(read_ratings(con, folder / "r.csv")) == [("B1", "u1", 100, 0), ("B2", "u2", 0, 1)]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"B2,u2,1,1.5", "timestamp is '1.5'"),
        (b"B2,u2,1,soon", "timestamp is 'soon'"),
        (b"B2,u2,1,-5", "timestamp is '-5'"),
        (b"B2,u2,1,", "timestamp is ''"),
        (b"B2,u2,1,1500000000000", "divide milliseconds by 1000"),
        (b"B2,u2,good,5", "rating is 'good'"),
        (b"B2,u2,5", "3 columns"),
        (b"B2,u2,1,5,6", "5 columns"),
        (b",u2,1,5", "item or the user is empty"),
        (b"B\xff,u2,1,5", "not UTF-8"),
        (b'"B2,u2,1,5', "malformed"),
    ],
)
def test_bad_rating_is_named_with_its_line(con: Any, tmp_path: Path, line: bytes, told: str) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(GOOD + line + b"\n" + GOOD)
    with pytest.raises(ValueError, match=rf"r\.csv:[23]: .*{told}") as error:
        read_ratings(con, path)
    if told != "malformed":  # an open quote is noticed where the file ends
        assert f"{path}:2: " in str(error.value)


def test_header_and_empty_file(con: Any, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(b"item,user,rating,timestamp\n" + GOOD)
    with pytest.raises(ValueError, match=r"r\.csv:1: the timestamp is 'timestamp'"):
        read_ratings(con, path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="empty"):
        read_ratings(con, path)


def _review(**change: Any) -> bytes:
    row = {"asin": "B1", "reviewerID": "u1", "overall": 5.0, "unixReviewTime": 7} | change
    return orjson.dumps({key: value for key, value in row.items() if value is not ...})


def test_reviews(con: Any, tmp_path: Path) -> None:
    path = tmp_path / "r.json.gz"
    path.write_bytes(gzip.compress(_review() + b"\n" + _review(asin="B2")))
    assert _rows(read_reviews(con, path, tmp_path)) == [("B1", "u1", 7, 1), ("B2", "u1", 7, 2)]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (_review(asin=...), "no `asin`"),
        (_review(reviewerID=""), "no `reviewerID`"),
        (_review(unixReviewTime=...), "`unixReviewTime` is None"),
        (_review(unixReviewTime=1.5), "`unixReviewTime` is 1.5"),
        (_review(unixReviewTime=-1), "`unixReviewTime` is -1"),
        (_review(unixReviewTime=True), "`unixReviewTime` is True"),
        (b"[]", "not a JSON object"),
        (b"{", "malformed"),
    ],
)
def test_bad_review_is_named_with_its_line(con: Any, tmp_path: Path, line: bytes, told: str) -> None:
    path = tmp_path / "r.json.gz"
    path.write_bytes(gzip.compress(_review() + b"\n" + line + b"\n"))
    with pytest.raises(ValueError, match=rf"r\.json\.gz:2: .*{told}"):
        read_reviews(con, path, tmp_path)


def test_find_raw(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder"):
        find_raw(tmp_path / "none")
    with pytest.raises(ValueError, match=r"no file of interactions.*There belong"):
        find_raw(tmp_path)
    (tmp_path / "a.csv").touch()
    with pytest.raises(ValueError, match="no file of metadata"):
        find_raw(tmp_path)
    (tmp_path / "meta_a.json.gz").touch()
    assert find_raw(tmp_path).interactions.name == "a.csv"
    (tmp_path / "a_5.json.gz").touch()
    with pytest.raises(ValueError, match=r"2 files of interactions \(a\.csv, a_5\.json\.gz\)"):
        find_raw(tmp_path)


def test_jpg_comes_first() -> None:
    assert picture_of("a", {"a.webp", "a.png", "a.jpg", "b.jpg"}) == "a.jpg"
    assert picture_of("c", {"a.png"}) is None
