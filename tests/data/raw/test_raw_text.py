import gzip
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.raw.clean import clean
from data.raw.head import read_head
from data.raw.items import Items
from data.raw.layouts import ITEMS
from data.raw.metadata import read_metadata
from data.raw.template import DEFAULT_TEMPLATE, check_template, fill


@pytest.mark.parametrize(
    ("dirty", "plain"),
    [
        ('<span class="a-size-medium a-color-secondary"', ""),
        ("<span class=", ""),
        ("Tea <span", "Tea"),
        ("Salt &amp; Pepper", "Salt & Pepper"),
        ("Salt &amp;amp; Pepper", "Salt & Pepper"),
        ("&lt;b&gt;Bold&lt;/b&gt; tea", "Bold tea"),
        ("one<br/>two\n\t three\u00a0", "one two three"),
        ("I <3 tea and a < b > c", "I <3 tea and a < b > c"),
        ("I <heart tea", "I <heart tea"),
        ("x <script>var a = '<b>';</script> y <!-- no --> z", "x y z"),
        ("var aPageStart = (new Date()).getTime();", ""),
        ("lone \ud800 surrogate", "lone surrogate"),
    ],
)
def test_clean(dirty: str, plain: str) -> None:
    assert clean(dirty) == plain


@given(st.text())
def test_clean_is_one_line_of_utf8(text: str) -> None:
    result = clean(text)
    result.encode()
    assert result == " ".join(result.split())


@pytest.mark.parametrize("template", ["{price}", "{title.__class__}", "{title!r}", "{title:>9}", "{}", "{title", "x"])
def test_template_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"\{title\}"):
        check_template(template)


def test_template_filled_only_when_something_is_known() -> None:
    nothing = {"title": "", "brand": "", "category": "", "description": ""}
    assert fill("Title: {title}. By {brand}", nothing) == ""
    assert fill("Title: {title}. By {brand}", nothing | {"title": "A"}) == "Title: A. By"


def _write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(gzip.compress(b"\n".join(lines)))
    return path


def _items(path: Path, *lines: bytes) -> Items:
    head = read_head(_write(path, *lines))
    (found,) = [items for layout in ITEMS if (items := layout(head))]
    return found


def test_metadata_of_2018(tmp_path: Path) -> None:
    entry = {
        "asin": "A",
        "title": "T",
        "brand": "B",
        "category": ["C", "C", "D"],
        "description": ["x", "", "y &amp; z"],
        "feature": ["not asked for"],
    }
    items = _items(tmp_path / "meta_x.json.gz", orjson.dumps(entry))
    assert [row[:1] + row[2:] for row in read_metadata(items, DEFAULT_TEMPLATE)] == [("A", "T", "T B C D x y & z")]


def test_metadata_of_2014(tmp_path: Path) -> None:
    line = b"{'asin': 'O', 'title': 'It\\'s', 'categories': [['Books', 'Tea'], ['Books']], 'description': 'd'}"
    items = _items(tmp_path / "meta_x.json.gz", line)
    assert [row[:1] + row[2:] for row in read_metadata(items, DEFAULT_TEMPLATE)] == [("O", "It's", "It's Books Tea d")]


def test_first_complete_entry_has_the_lowest_priority(tmp_path: Path) -> None:
    entries = [
        {"asin": "A"},
        {"asin": "A", "title": "only a title"},
        {"asin": "A", "title": "first", "description": ["complete"]},
        {"asin": "A", "title": "second", "description": ["complete"]},
    ]
    rows = list(read_metadata(_items(tmp_path / "m.json.gz", *map(orjson.dumps, entries)), DEFAULT_TEMPLATE))
    by_priority = sorted(rows, key=lambda row: row[1])
    assert [title for _, _, title, _ in by_priority] == ["first", "second", "only a title", ""]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"title": "no asin"}', "no `asin`"),
        (b"[1]", "not an object"),
        (b"{'asin': 'A'}", "malformed"),
        (b"{'asin': __import__('os').getcwd()}", "malformed"),
        (b'{"asin": "A"', "malformed"),
    ],
)
def test_bad_metadata_line(tmp_path: Path, line: bytes, told: str) -> None:
    items = _items(tmp_path / "meta_x.json.gz", b'{"asin": "A"}', line)
    with pytest.raises(ValueError, match=rf"meta_x\.json\.gz:2: .*{told}"):
        list(read_metadata(items, DEFAULT_TEMPLATE))


@pytest.mark.parametrize("line", [b"{'asin': __import__('os').getcwd()}", b"{'asin': 'A'", b"{'a': " + b"[" * 9999])
def test_literals_are_never_run(tmp_path: Path, line: bytes) -> None:
    items = _items(tmp_path / "meta_x.json.gz", b"{'asin': 'A'}", line)
    with pytest.raises(ValueError, match=r"meta_x\.json\.gz:2: malformed line \(no Python literal"):
        list(read_metadata(items, DEFAULT_TEMPLATE))
