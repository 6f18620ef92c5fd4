"""What the command writes: a page on its own, numbers, the same bytes each time; and how it words them."""

import logging
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import orjson
import pytest

from data.describe.command import describe_domains
from data.describe.words import date, duration, many, part, share
from tests.data.describe.tiny import ITEMS, T, add_features, domain

ROOT = Path(__file__).parents[3]
VOID = {"meta", "br", "hr", "img", "input", "link"}
NAME = "<script>alert(1)<&'\""  # of a folder
EVIL = "<script>alert(\"1\")</script> & 'x'"


class Page(HTMLParser):
    """Fails where tags do not nest; collects tags, ids and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.used: set[str] = set()
        self.addresses: list[tuple[str, str]] = []
        self.labels: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            told = value or ""
            self.ids += [told] if name == "id" else []
            self.used |= {"".join(pair) for pair in re.findall(r"^#(.+)|url\(#(.+?)\)", told)}
            self.addresses += [(name, told)] if "://" in told or name in ("src", "data") else []
            self.labels += [told] if (tag, name) == ("svg", "aria-label") else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def written(out: Path, *folders: Path) -> Page:
    describe_domains([*folders], out)
    assert sorted(path.name for path in out.iterdir()) == ["describe.html", "describe.json"]
    return Page((out / "describe.html").read_text())


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("shops")
    rows = [{"item": item, "title": EVIL, "text": "", "image": None} for item in ITEMS]
    named = domain(folder / NAME, rows=rows)
    add_features(named, "text", [True] * 4)
    return [named, domain(folder / "Ink", items=["A", "x", "y", "z"])]


@pytest.fixture(scope="module")
def out(shops: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "out"
    written(folder, *shops)
    return folder


def test_the_page_stands_on_its_own(out: Path) -> None:
    html = (out / "describe.html").read_text()
    page = Page(html)
    assert {name for name, _ in page.addresses} <= {"xmlns", "xmlns:xlink"}
    assert len(re.findall("https?://", html)) == len(page.addresses)
    assert not re.search(r"@import|@font-face|url\((?!#)", html)
    assert not {"script", "link", "img", "iframe", "object", "image"} & set(page.tags)
    assert page.tags.count("svg") == len(page.labels) == 6 and all(page.labels), "every picture has its words"
    assert len(page.ids) == len(set(page.ids)) and page.used and page.used <= set(page.ids)


def test_what_comes_from_the_data_is_escaped(out: Path) -> None:
    page = Page((out / "describe.html").read_text())
    assert "script" not in page.tags and page.text.count(EVIL) == 3, "three items have events"
    assert page.text.count(NAME) == 10, "title, head, table, three pictures, rows and columns of two matrices"


def test_numbers_are_written_for_programs_too(out: Path) -> None:
    told = orjson.loads((out / "describe.json").read_bytes())
    first = told["domains"][0]
    assert (first["users"], first["density"], first["lengths"]["histories"]) == (3, 5 / 12, [[1, 1], [2, 1], [4, 1]])
    assert first["catalogue"]["features"]["text"] == {"encoder": "classic", "dim": 3, "present": 4}
    assert told["overlap"] == {"items": [[4, 1], [1, 4]], "users": [[3, 3], [3, 3]]}


def test_the_same_bytes_each_time_and_the_table(shops: list[Path], out: Path, tmp_path: Path) -> None:
    names = orjson.dumps([str(path) for path in shops]).decode()
    command = [sys.executable, "prepare.py", "describe", "--domains", names, "--out", str(tmp_path)]
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("describe.html", "describe.json"):
        assert (out / name).read_bytes() == (tmp_path / name).read_bytes()
    page = Page((out / "describe.html").read_text())
    for cell in ("41.7 %", "28.6 %", "2017-07-14 to 2017-07-14", "4 (100 %), dim 3", "2 (50 %)", "1 (25 %)"):
        assert cell in done.stdout and cell in page.text, cell
    assert "items shared" in done.stdout


def test_one_item_and_one_event(tmp_path: Path) -> None:
    page = written(tmp_path / "out", domain(tmp_path / "Dot", [[(1, T)]], ["A"]))
    assert page.tags.count("svg") == 2 and "Half have at most 1 event," in page.text
    assert "There are no gaps: every history is a single event." in page.text
    assert "Overlap" not in page.text and "nan" not in page.text


def test_order_is_not_drawn_as_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    page = written(tmp_path / "out", domain(tmp_path / "Order", [[(1, 0), (2, 1), (3, 2)], [(1, 0), (4, 1)]]))
    assert "There are no times: each event's timestamp is its place in the history" in page.text
    assert page.tags.count("svg") == 2 and caplog.text.count("order only") == 3 and "1970" not in page.text


def test_times_in_the_wrong_unit_are_drawn_all_the_same(tmp_path: Path) -> None:
    milliseconds = [(1, 1000 * T), (2, 1000 * T + 10**11)]
    page = written(tmp_path / "out", domain(tmp_path / "Late", [milliseconds]))
    assert page.tags.count("svg") == 3 and "49503-02-10" in page.text, "who reads that, sees that it is wrong"


def test_bad_input_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no such domain folder"):
        describe_domains([tmp_path / "none"], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_report_left_is_removed(tmp_path: Path) -> None:
    scratch, page = tmp_path / ".out.k1lled_0.part", tmp_path / "out/.describe.html.k1lled_1.part"
    for left in (scratch / "1-0.parquet", page):
        left.parent.mkdir()
        left.write_bytes(b"half")
    describe_domains([domain(tmp_path / "Tea")], tmp_path / "out")
    assert not scratch.exists()
    assert {path.name for path in page.parent.iterdir()} == {"describe.html", "describe.json"}


def test_words() -> None:
    assert [share(value) for value in (0, 1, 0.99999, 0.5, 0.00123, 1e-9)] == [
        "0 %", "100 %", "> 99.9 %", "50 %", "0.123 %", "< 0.001 %"]  # fmt: skip
    assert [duration(seconds) for seconds in (0, 1, 59, 60, 5400, 86_400, 864_000, 31_557_600 * 3)] == [
        "0 seconds", "1 second", "59 seconds", "1 minute", "1.5 hours", "1 day", "10 days", "3 years"]  # fmt: skip
    assert (part(None, 5), part(1200, 2400)) == ("not told", "1,200 (50 %)")
    assert (many(1, "item"), many(2000, "item")) == ("1 item", "2,000 items")
    assert (date(0), date(T)) == ("1970-01-01", "2017-07-14")
