import gzip
import logging
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from data.prepare import prepare_domain

ROOT = Path(__file__).parents[3]


def make_raw(folder: Path, users: int = 6, items: int = 6) -> Path:
    """Every user buys every item, newest line first; the first item a second time, and one line twice."""
    folder.mkdir(parents=True)
    lines = [f"B{item},u{user},5.0,{100 * item + user}" for user in range(users) for item in range(items)]
    lines += [f"B0,u{user},4.0,5000" for user in range(users)] + ["B0,u0,1.0,5000", "NOMETA,u0,5.0,1", "B1,rare,5.0,1"]
    (folder / "ratings.csv").write_text("\n".join(reversed(lines)) + "\n")
    entries = [{"asin": f"B{item}", "title": f"Tea &amp; {item}"} for item in range(items)]
    entries += [{"asin": "COLD", "title": "never bought", "description": ["new"]}]
    (folder / "meta_x.json.gz").write_bytes(gzip.compress(b"\n".join(map(orjson.dumps, entries))))
    (folder / "images").mkdir()
    for name in ("B1.png", "B1.jpg", "B2.webp", "notes.txt"):
        (folder / "images" / name).touch()
    return folder


def read(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_files_of_a_domain(tmp_path: Path) -> None:
    raw, out = make_raw(tmp_path / "raw/Tea"), tmp_path / "processed/Tea"
    prepare_domain(raw, out, layout="both")
    assert (out / "user2id.jsonl").read_bytes() == b"".join(b'["u%d",%d]\n' % (i, i) for i in range(6))
    assert read(out / "item2id.jsonl") == [[f"B{i}", i + 1] for i in range(6)]
    whole = [[i + 1, 100 * i] for i in range(6)] + [[1, 5000]]
    assert read(out / "histories.jsonl")[0] == [0, whole]
    assert (out / "histories.jsonl").read_bytes().startswith(b"[0,[[1,0],[2,100],"), "whole numbers"
    assert (out / "test_seq.jsonl").read_bytes() == (out / "histories.jsonl").read_bytes()
    assert read(out / "eval_seq.jsonl")[0] == [0, whole[:-1]]
    assert [row for row in read(out / "train_seq.jsonl") if row[0] == 0] == [[0, whole[:n]] for n in range(2, 6)]
    told = read(out / "item.jsonl")
    assert [row["item"] for row in told] == [f"B{i}" for i in range(6)]
    assert told[1] == {"item": "B1", "title": "Tea & 1", "text": "Tea & 1", "image": "../../raw/Tea/images/B1.jpg"}
    assert (out / told[2]["image"]).is_file() and told[0]["image"] is None
    assert not [path for path in out.iterdir() if path.name.startswith(".")], "nothing temporary is left"
    assert [path.name for path in out.parent.iterdir() if path.suffix != ".lock"] == ["Tea"]


def test_manifest(tmp_path: Path) -> None:
    raw, out = make_raw(tmp_path / "raw"), tmp_path / "Tea"
    prepare_domain(raw, out)
    manifest = orjson.loads((out / "manifest.json").read_bytes())
    steps = [(step["step"], step["users"], step["items"], step["interactions"]) for step in manifest["steps"]]
    assert steps == [
        ("read", 7, 7, 45),
        ("duplicates dropped", 7, 7, 44),
        ("item has metadata", 7, 6, 43),
        ("5-core", 6, 6, 42),
    ]
    assert (manifest["domain"], manifest["kind"], manifest["split"]) == ("Tea", "domain", "leave_one_out")
    assert manifest["repeat_rate"] == 6 / 42
    assert set(manifest["inputs"]) == {"ratings.csv", "meta_x.json.gz", "images/"}


def test_ties_keep_the_order_of_the_raw_file(tmp_path: Path) -> None:
    raw, out = make_raw(tmp_path / "raw"), tmp_path / "Tea"
    (raw / "ratings.csv").write_text("B2,u,1,7\nB0,u,1,7\nB1,u,1,7\n")
    prepare_domain(raw, out, core=1)
    assert read(out / "item2id.jsonl") == [["B2", 1], ["B0", 2], ["B1", 3]]


def test_whole_catalogue(tmp_path: Path) -> None:
    out = tmp_path / "Tea"
    prepare_domain(make_raw(tmp_path / "raw"), out, catalogue="metadata", template="{description}")
    assert read(out / "item2id.jsonl")[-1] == ["COLD", 7]
    assert [row["text"] for row in read(out / "item.jsonl")[-2:]] == ["", "new"]


def test_reviews_give_the_same_as_ratings(tmp_path: Path) -> None:
    ratings, reviews = make_raw(tmp_path / "raw"), make_raw(tmp_path / "reviews")
    lines = [line.split(",") for line in (reviews / "ratings.csv").read_text().split()]
    rows = [{"asin": i, "reviewerID": u, "overall": float(r), "unixReviewTime": int(t)} for i, u, r, t in lines]
    (reviews / "x_5.json.gz").write_bytes(gzip.compress(b"\n".join(map(orjson.dumps, rows))))
    (reviews / "ratings.csv").unlink()
    prepare_domain(ratings, tmp_path / "a/Tea")
    prepare_domain(reviews, tmp_path / "b/Tea")
    for name in ("histories.jsonl", "item2id.jsonl", "user2id.jsonl"):
        assert (tmp_path / "a/Tea" / name).read_bytes() == (tmp_path / "b/Tea" / name).read_bytes()


def test_reused_refused_and_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    raw, out = make_raw(tmp_path / "raw"), tmp_path / "Tea"
    prepare_domain(raw, out, layout="published")
    (out / "features").mkdir()
    with caplog.at_level(logging.INFO):
        prepare_domain(raw, out, layout="published")
    assert "reused" in caplog.text and (out / "features").exists()
    before = content(out)
    with pytest.raises(ValueError, match=r"prepared differently \(options\.core, options\.layout\).*--overwrite true"):
        prepare_domain(raw, out, core=2)
    (raw / "images/B3.jpg").touch()
    with pytest.raises(ValueError, match=r"\(inputs\.images/\)"):
        prepare_domain(raw, out, layout="published")
    assert content(out) == before
    prepare_domain(raw, out, overwrite=True)
    assert not (out / "features").exists() and not (out / "train_seq.jsonl").exists()


def test_failure_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    raw, out = make_raw(tmp_path / "raw"), tmp_path / "out/Tea"
    prepare_domain(raw, out)
    before = content(tmp_path / "out")
    (raw / "ratings.csv").write_text("B1,u1,5,now\n")
    with pytest.raises(ValueError, match=r"ratings\.csv:1: `timestamp` is 'now'"):
        prepare_domain(raw, out, overwrite=True)
    assert content(tmp_path / "out") == before


def test_nothing_left_tells_the_counts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no interaction is left .*read: 45; .*9-core: 0\)\. Lower --core"):
        prepare_domain(make_raw(tmp_path / "raw"), tmp_path / "Tea", core=9)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"core": 0}, "core 0"),
        ({"template": "{price}"}, "unknown field"),
        ({"memory_limit": "much"}, "memory_limit"),
        ({"threads": 0}, "threads 0"),
    ],
)
def test_bad_option(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    raw = make_raw(tmp_path / "raw")
    with pytest.raises(ValueError, match=told):
        prepare_domain(raw, tmp_path / "Tea", **options)
    assert not (tmp_path / "Tea").exists()


def test_output_that_would_destroy_something_is_refused(tmp_path: Path) -> None:
    raw = make_raw(tmp_path / "raw")
    for out in (raw, raw / "Tea", tmp_path):
        with pytest.raises(ValueError, match="lie in one another"):
            prepare_domain(raw, out, overwrite=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").touch()
    with pytest.raises(ValueError, match="not prepared here"):
        prepare_domain(raw, tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine/thesis.tex").exists()


def test_same_bytes_whatever_hash_seed_and_threads(tmp_path: Path) -> None:
    raw = make_raw(tmp_path / "raw", users=400, items=320)  # more than one row group of DuckDB
    prepare_domain(raw, tmp_path / "a/Tea", threads=1)
    call = f"prepare_domain(Path({str(raw)!r}), Path({str(tmp_path / 'b/Tea')!r}), threads=4)"
    code = f"from pathlib import Path; from data.prepare import prepare_domain; {call}"
    environment = os.environ | {"PYTHONHASHSEED": "77", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert content(tmp_path / "a/Tea") == content(tmp_path / "b/Tea")


def test_two_prepares_at_once(tmp_path: Path) -> None:
    raw = make_raw(tmp_path / "raw", users=30, items=30)
    prepare_domain(raw, tmp_path / "alone/Tea")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=prepare_domain, args=(raw, tmp_path / "both/Tea")) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert content(tmp_path / "both/Tea") == content(tmp_path / "alone/Tea")


def test_no_torch_at_import() -> None:
    code = "import sys, data.prepare; sys.exit(bool({'torch', 'ibis', 'duckdb'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
