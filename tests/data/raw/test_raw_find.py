"""Raw files by their first lines: found, refused, told; and the yaml that names columns."""

import gzip
from pathlib import Path

import pytest

from data.raw.find import find_raw
from data.raw.head import read_head
from data.raw.layouts import EVENTS, ITEMS
from data.raw.layouts.columns import Columns, read_columns

RATINGS = b"B1,u1,5.0,100\n"
METADATA = b'{"asin": "B1", "title": "Tea"}\n'
PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\r,\r\xff\x00,,\n" * 3


def write(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_found_by_content(tmp_path: Path) -> None:
    write(tmp_path, x=RATINGS, y=METADATA, README=b"What this is.\n", SHA256SUMS=b"00  x\n", empty=b"", cover=PICTURE)
    write(tmp_path, **{".hidden": RATINGS})
    (tmp_path / "images").mkdir()
    files = find_raw(tmp_path)
    assert (files.interactions.name, files.metadata.name) == ("x", "y")
    assert files.layouts() == {"interactions": "Amazon 2018 ratings", "metadata": "Amazon 2018 metadata"}


def test_nothing_found_tells_what_was_seen(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder"):
        find_raw(tmp_path / "none")
    with pytest.raises(ValueError, match=r"no file of interactions \(the folder is empty\)\. There belong"):
        find_raw(tmp_path)
    write(tmp_path, a=RATINGS, empty=b"", table=b"id,name\n1,x\n", cut=gzip.compress(b"x" * 99)[:-9])
    write(tmp_path, broken=b'{"asin": \n', json=b'{"id": 1}\n')
    with pytest.raises(ValueError, match="no file of metadata") as error:
        find_raw(tmp_path)
    for told in (
        "table: it begins with 'id,name'",
        "json: it holds JSON objects with id",
        "/empty: the file is empty",
        "/cut: the gz file is cut short",
        "/broken:1: malformed line",
        "name the columns with --columns",
    ):
        assert told in str(error.value)


def test_two_of_a_kind(tmp_path: Path) -> None:
    write(tmp_path, a=RATINGS, b=RATINGS, m=METADATA)
    with pytest.raises(ValueError, match=r"2 files of interactions \(a, b\)"):
        find_raw(tmp_path)


def test_what_two_layouts_would_read(tmp_path: Path) -> None:
    both = (
        b'{"asin":"B","reviewerID":"u","unixReviewTime":1,"user_id":"u","parent_asin":"B","rating":5,"timestamp":1}\n'
    )
    write(tmp_path, x=both, m=METADATA)
    with pytest.raises(ValueError, match=r"x:1: it could be Amazon 2018 reviews or Amazon 2023 reviews .*--columns"):
        find_raw(tmp_path)
    assert find_raw(tmp_path, Columns("user_id", "asin", "timestamp")).interactions.name == "x"


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        (b"A2SUAM1J3GNN3B,0000013714,5.0,1374883200\n", "Amazon 2014 ratings"),
        (b"0000013714,A2SUAM1J3GNN3B,5.0,1374883200\n", "Amazon 2018 ratings"),
        (b"A2SUAM1J3GNN3B,0000013714,5.0,1\nuser,0000013714,5.0,1\n", "Amazon 2018 ratings"),
        (b'\xef\xbb\xbf"B1","u1","5","9"\r\n', "Amazon 2018 ratings"),
        (b"item,user,rating,timestamp\n1,2,3,4\n", None),
        (b"1,2,3\n", None),
        (b'{"asin":"B","reviewerID":"u","unixReviewTime":1}\n', "Amazon 2018 reviews"),
        (b'{"asin":"B","reviewerID":"u","unixReviewTime":1,"helpful":[0,0]}\n', "Amazon 2014 reviews"),
        (b"{'asin':'B','reviewerID':'u','unixReviewTime':1}\n", "Amazon 2014 reviews"),
        (b'{"user_id":"u","parent_asin":"B","rating":5,"timestamp":1}\n', "Amazon 2023 reviews"),
        (b"user_id,parent_asin,rating,timestamp,history\n", "Amazon 2023 reviews"),
        (b"user_id:token\titem_id:token\ttimestamp:float\n", "RecBole interactions"),
        (b"user_id:token\titem_id:token\trating:float\n", None),
        (METADATA, None),
        (b"[1]\n", None),
    ],
)
def test_layout_of_interactions(tmp_path: Path, content: bytes, layout: str | None) -> None:
    head = read_head(write(tmp_path, x=content) / "x")
    assert [found.layout for recognise in EVENTS if (found := recognise(head))] == ([layout] if layout else [])


@pytest.mark.parametrize(
    ("content", "layout", "addresses"),
    [
        (METADATA, "Amazon 2018 metadata", []),
        (
            b'{"asin":"B","imageURLHighRes":["https://x/h.jpg"],"imageURL":["https://x/s.jpg","https://x/h.jpg"]}\n',
            "Amazon 2018 metadata",
            ["https://x/h.jpg", "https://x/s.jpg"],
        ),
        (b'{"asin":"B","image":["data:image/png;base64,", "ftp://x/a", ""]}\n', "Amazon 2018 metadata", []),
        (b"{'asin': 'B', 'imUrl': 'http://x/a.jpg'}\n", "Amazon 2014 metadata", ["http://x/a.jpg"]),
        (b'{"asin":"B","categories":[["a"]]}\n', "Amazon 2014 metadata", []),
        (
            b'{"parent_asin":"B","title":"","images":[{"thumb":"http://x/t","large":"http://x/l","hi_res":null},'
            b'{"thumb":"http://x/u","large":null}]}\n',
            "Amazon 2023 metadata",
            ["http://x/l", "http://x/u"],
        ),
        (b"item_id:token\tmovie_title:token_seq\n1\tTea\n", "RecBole items", []),
        (b'{"asin":"B","reviewerID":"u","unixReviewTime":1}\n', None, []),
        (b'{"parent_asin":"B","title":"good","user_id":"u","asin":"C"}\n', None, []),
        (b"user_id:token\titem_id:token\ttimestamp:float\n", None, []),
        (RATINGS, None, []),
    ],
)
def test_layout_of_metadata(tmp_path: Path, content: bytes, layout: str | None, addresses: list[str]) -> None:
    head = read_head(write(tmp_path, x=content) / "x")
    found = [items for recognise in ITEMS if (items := recognise(head))]
    assert [items.layout for items in found] == ([layout] if layout else [])
    if found:
        assert [told for _, told in found[0].addresses()] == [addresses]


def test_every_layout_has_its_own_metadata_fields(tmp_path: Path) -> None:
    new = b'{"parent_asin":"B","title":"T","store":"S","categories":["C"],"description":["d"],"features":["f"]}\n'
    old = b"item_id:token\ttitle:token_seq\tbrand:token\tgenre:token_seq\nB\tT\tS\tC\n"
    for content, description in ((new, "d f"), (old, "")):
        head = read_head(write(tmp_path, x=content) / "x")
        (items,) = [items for recognise in ITEMS if (items := recognise(head))]
        fields = {"title": "T", "brand": "S", "category": "C", "description": description}
        assert [entry[1:] for entry in items.entries()] == [("B", fields)]


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    write(tmp_path, log=b"who,what,at\nu,i,1\n", shelf=b"what,label\ni,Tea\n")
    find_raw(tmp_path, Columns("who", "what", "at", title="label"))
    with pytest.raises(ValueError, match=r"no file of interactions \(log: it begins with 'who,what,at'; shelf"):
        find_raw(tmp_path, Columns("who", "what", "when", title="label"))
    with pytest.raises(ValueError, match=r"no file of metadata .*shelf: it begins with 'what,label'"):
        find_raw(tmp_path, Columns("who", "what", "at", title="label", image="photo"))
    with pytest.raises(ValueError, match="no file of metadata"):
        find_raw(tmp_path, Columns("who", "what", "at"))


def test_interactions_with_titles_are_metadata_only_alone(tmp_path: Path) -> None:
    columns = Columns("who", "what", "at", title="label")
    write(tmp_path, log=b"who,what,at,label\nu,i,1,Tea\n")
    assert find_raw(tmp_path, columns).metadata.name == "log"
    write(tmp_path, shelf=b"what,label\ni,Tea\n")
    files = find_raw(tmp_path, columns)
    assert (files.interactions.name, files.metadata.name) == ("log", "shelf")
    assert files.paths() == [tmp_path / "log", tmp_path / "shelf"]


def test_named_columns_come_first(tmp_path: Path) -> None:
    write(tmp_path, log=b"who,what,at\nu,i,1\n", old=RATINGS, m=METADATA)
    assert find_raw(tmp_path, Columns("who", "what", "at")).interactions.name == "log"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("user: a\nitem: b\n", r"missing 1 required positional argument: 'time'. It names columns: user, item"),
        ("user: a\nitem: b\ntime: c\nprice: d\n", "unexpected keyword argument 'price'"),
        ("user: 1\nitem: b\ntime: c\n", "user: not text"),
        ("user: a\nitem: b\ntime: c\nunit: h\n", "unit 'h'. The units are s, ms, us, ns, date"),
        ("- a\n", "must be a mapping"),
        ("", "must be a mapping"),
        ("a: [\n", "while parsing"),
    ],
)
def test_bad_columns(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(content)
    with pytest.raises(ValueError, match=rf"(?s)my\.yaml: .*{told}"):
        read_columns(path)
