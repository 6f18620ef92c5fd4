"""The same shop in every layout that is read: from raw files to the same ids, histories and titles."""

import csv
import gzip
import io
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.prepare import prepare_domain

Event = tuple[str, str, int]
FILES = ("histories.jsonl", "item2id.jsonl", "user2id.jsonl", "item.jsonl")

USERS = [f"A{number}USER{number:07d}" for number in range(7)]
ITEMS = [f"B00ITEM{number:03d}" for number in range(6)]
START = 1_500_000_000
# Newest first; the last two users at one second; one event twice; one user too short; one item without metadata.
EVENTS: list[Event] = [
    (user, item, START + 100 * place + min(number, 4))
    for number, user in reversed(list(enumerate(USERS[:6])))
    for place, item in reversed(list(enumerate(ITEMS)))
]
EVENTS += [EVENTS[0], (USERS[6], ITEMS[0], START), (USERS[0], "B00UNKNOWN", START)]
TITLES = {item: f"Tea & <b> {number}" for number, item in enumerate(ITEMS)}


def lines(rows: list[Any]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def delimited(rows: list[list[Any]], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def literals(rows: list[Any]) -> bytes:
    return b"".join(repr(row).encode() + b"\n" for row in rows)


def parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def reviews_2018(write: Callable[[list[Any]], bytes] = lines, **more: Any) -> bytes:
    return write([{"reviewerID": u, "asin": i, "overall": 5.0, "unixReviewTime": t} | more for u, i, t in EVENTS])


METADATA_2018 = lines([{"asin": item, "title": title, "category": ["Tea"]} for item, title in TITLES.items()])
METADATA_2014 = literals([{"asin": item, "title": title, "categories": [["Tea"]]} for item, title in TITLES.items()])
REVIEWS_2023 = [
    {"user_id": u, "asin": f"{i}-RED", "parent_asin": i, "rating": 5.0, "timestamp": t * 1000 + 7, "images": []}
    for u, i, t in EVENTS
]
METADATA_2023 = [
    {"parent_asin": item, "title": title, "categories": ["Tea"], "features": [], "description": [], "images": []}
    for item, title in TITLES.items()
]
RATINGS_2023 = [["user_id", "parent_asin", "rating", "timestamp"], *([u, i, 5.0, t * 1000] for u, i, t in EVENTS)]
INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
ITEM = "item_id:token\ttitle:token_seq\tcategories:token_seq\n"

LAYOUTS: dict[str, tuple[bytes, bytes, list[str]]] = {
    "2018 reviews": (reviews_2018(), METADATA_2018, ["Amazon 2018 reviews", "Amazon 2018 metadata"]),
    "2018 ratings": (
        delimited([[i, u, 5.0, t] for u, i, t in EVENTS]),
        METADATA_2018,
        ["Amazon 2018 ratings", "Amazon 2018 metadata"],
    ),
    "2014 reviews": (reviews_2018(literals), METADATA_2014, ["Amazon 2014 reviews", "Amazon 2014 metadata"]),
    "2014 5-core": (reviews_2018(helpful=[0, 0]), METADATA_2014, ["Amazon 2014 reviews", "Amazon 2014 metadata"]),
    "2014 ratings": (
        delimited([[u, i, 5.0, t] for u, i, t in EVENTS]),
        METADATA_2014,
        ["Amazon 2014 ratings", "Amazon 2014 metadata"],
    ),
    "2023": (lines(REVIEWS_2023), lines(METADATA_2023), ["Amazon 2023 reviews", "Amazon 2023 metadata"]),
    "2023 parquet": (parquet(REVIEWS_2023), parquet(METADATA_2023), ["Amazon 2023 reviews", "Amazon 2023 metadata"]),
    "2023 ratings": (delimited(RATINGS_2023), lines(METADATA_2023), ["Amazon 2023 reviews", "Amazon 2023 metadata"]),
    "recbole": (
        (INTER + "".join(f"{u}\t{i}\t5\t{t}.0\n" for u, i, t in EVENTS)).encode(),
        (ITEM + "".join(f"{item}\t{title}\tTea\n" for item, title in TITLES.items())).encode(),
        ["RecBole interactions", "RecBole items"],
    ),
    "recbole ms": (
        (INTER + "".join(f"{u}\t{i}\t5\t{t}000\n" for u, i, t in EVENTS)).encode(),
        (ITEM + "".join(f"{item}\t{title}\tTea\n" for item, title in TITLES.items())).encode(),
        ["RecBole interactions", "RecBole items"],
    ),
}


def pack(content: bytes, kind: str) -> bytes:
    if kind == "gz":
        return gzip.compress(content)
    packed: bytes = pa.Codec("zstd").compress(content, asbytes=True) if kind == "zst" else content
    return packed


def raw_folder(folder: Path, interactions: bytes, metadata: bytes, kind: str = "", name: str = "") -> Path:
    """Names that say nothing; the packing may show in them."""
    folder.mkdir(parents=True)
    ending = f".{kind}" if kind else ""
    (folder / f"{name or 'b'}{ending}").write_bytes(pack(interactions, kind))
    (folder / f"a{ending}").write_bytes(pack(metadata, kind))
    return folder


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What 2018's reviews give, under their usual names."""
    folder = tmp_path_factory.mktemp("expected")
    (folder / "raw").mkdir()
    (folder / "raw/Tea_5.json.gz").write_bytes(gzip.compress(reviews_2018()))
    (folder / "raw/meta_Tea.json.gz").write_bytes(gzip.compress(METADATA_2018))
    prepare_domain(folder / "raw", folder / "out/Tea")
    return prepared(folder / "out/Tea")


def prepared(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in FILES}


def test_what_is_expected(expected: dict[str, bytes]) -> None:
    """By hand: six users and items are left, oldest first, the event that is there twice once."""
    whole = [[number + 1, START + 100 * number] for number in range(6)]
    histories = [orjson.loads(line) for line in expected["histories.jsonl"].splitlines()]
    assert histories[0] == [0, whole] and len(histories) == 6
    assert histories[5][1] == [[item, time + 4] for item, time in whole]
    titles = [orjson.loads(line)["text"] for line in expected["item.jsonl"].splitlines()]
    assert titles == [f"Tea & {number} Tea" for number in range(6)]


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_same(
    name: str, tmp_path: Path, expected: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    interactions, metadata, told = LAYOUTS[name]
    kind = {"2018 ratings": "zst", "2014 reviews": "gz", "2023": "zst", "recbole": "gz"}.get(name, "")
    raw = raw_folder(tmp_path / "raw", interactions, metadata, kind)
    with caplog.at_level(logging.INFO):
        prepare_domain(raw, tmp_path / "Tea")
    assert prepared(tmp_path / "Tea") == expected
    manifest = orjson.loads((tmp_path / "Tea/manifest.json").read_bytes())
    assert manifest["layouts"] == dict(zip(("interactions", "metadata"), told, strict=True))
    assert manifest["steps"][0]["interactions"] == len(EVENTS)
    assert manifest["steps"][1]["interactions"] == len(EVENTS) - 1, "the duplicate"
    assert all(layout in caplog.text for layout in told)


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S+00:00")


NAMED = "user: who\nitem: what\ntime: at\ntitle: label\ncategory: shelf\n"
LABELS = [[item, title, "Tea", "x;y"] for item, title in TITLES.items()]
TABLES: dict[str, tuple[bytes, bytes, str]] = {
    "csv": (
        delimited([["what", "more", "who", "at"], *([i, "5,0", u, t] for u, i, t in EVENTS)]),
        delimited([["what", "label", "shelf", "note"], *LABELS]),
        NAMED,
    ),
    "semicolons and dates": (
        delimited([["at", "who", "what"], *([moment(t), u, i] for u, i, t in EVENTS)], ";"),
        delimited([["sku", "label", "shelf", "note"], *LABELS], ";"),
        NAMED + "unit: date\nentry: sku\n",
    ),
    "parquet": (
        parquet([{"who": u, "what": i, "at": datetime.fromtimestamp(t, UTC), "stars": 4} for u, i, t in EVENTS]),
        parquet([{"what": item, "label": title, "shelf": ["Tea"]} for item, title in TITLES.items()]),
        NAMED + "rating: stars\n",
    ),
    "json lines in ms": (
        lines([{"who": u, "what": i, "at": 1000 * t} for u, i, t in EVENTS]),
        lines([{"what": item, "label": title, "shelf": ["Tea"]} for item, title in TITLES.items()]),
        NAMED + "unit: ms\n",
    ),
    "metadata of Amazon": (
        delimited([["who", "what", "at"], *EVENTS]),
        METADATA_2018,
        "user: who\nitem: what\ntime: at\n",
    ),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("kind", ["", "zst"])
def test_any_table_gives_the_same(name: str, kind: str, tmp_path: Path, expected: dict[str, bytes]) -> None:
    interactions, metadata, columns = TABLES[name]
    raw = raw_folder(tmp_path / "raw", interactions, metadata, "" if name == "parquet" else kind)
    (tmp_path / "my.yaml").write_text(columns)
    prepare_domain(raw, tmp_path / "Tea", columns=tmp_path / "my.yaml")
    assert prepared(tmp_path / "Tea") == expected
    manifest = orjson.loads((tmp_path / "Tea/manifest.json").read_bytes())
    assert manifest["layouts"]["interactions"] == "named columns"
    assert manifest["options"]["columns"]["user"] == "who"


def test_one_table_for_both(tmp_path: Path, expected: dict[str, bytes]) -> None:
    events = [event for event in EVENTS if event[1] in TITLES]
    rows = [{"who": u, "what": i, "at": t, "label": TITLES[i], "shelf": "Tea"} for u, i, t in events]
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/log.jsonl").write_bytes(lines(rows))
    (tmp_path / "my.yaml").write_text(NAMED)
    prepare_domain(tmp_path / "raw", tmp_path / "Tea", columns=tmp_path / "my.yaml")
    assert prepared(tmp_path / "Tea") == expected


def test_other_columns_are_another_domain(tmp_path: Path) -> None:
    interactions, metadata, columns = TABLES["csv"]
    raw = raw_folder(tmp_path / "raw", interactions, metadata)
    (tmp_path / "my.yaml").write_text(columns)
    prepare_domain(raw, tmp_path / "Tea", columns=tmp_path / "my.yaml")
    prepare_domain(raw, tmp_path / "Tea", columns=tmp_path / "my.yaml")
    (tmp_path / "my.yaml").write_text(columns.replace("shelf", "note"))
    with pytest.raises(ValueError, match=r"prepared differently \(options\.columns\)"):
        prepare_domain(raw, tmp_path / "Tea", columns=tmp_path / "my.yaml")


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("2023", b'"timestamp":1500000000007', b'"timestamp":1500000000', "Times are whole UNIX milliseconds here"),
        ("2018 reviews", b'"unixReviewTime":1500000000', b'"unixReviewTime":1500000000000', "UNIX seconds here"),
        ("recbole", b"\t1500000000.0", b"\t1500000000000.0", "Times are UNIX seconds here"),
        ("recbole ms", b"\t1500000000000", b"\t1500000000", "Times are UNIX milliseconds here"),
        ("recbole", b"\t5\t1500000000.0", b"\t1500000000.0", "3 columns where there should be 4"),
        ("2014 reviews", b"'unixReviewTime': 1500000000", b"'unixReviewTime': time()", "no Python literal"),
    ],
)
def test_mixed_units_and_bad_lines(name: str, old: bytes, new: bytes, told: str, tmp_path: Path) -> None:
    interactions, metadata, _ = LAYOUTS[name]
    assert old in interactions
    number = interactions[: interactions.index(old)].count(b"\n") + 1
    raw = raw_folder(tmp_path / "raw", interactions.replace(old, new, 1), metadata)
    with pytest.raises(ValueError, match=rf"b:{number}: .*{told}"):
        prepare_domain(raw, tmp_path / "Tea")
    assert not (tmp_path / "Tea").exists()
