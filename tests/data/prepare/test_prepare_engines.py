"""DuckDB and Spark prepare the same bytes."""

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from data.prepare import prepare_domain
from data.prepare.engine import Engine, open_engine
from data.prepare.memory import memory_bytes
from data.sample import make_sample

KEYS = ["", "10", "9", "Z", "a", "é", "e\u0301", "\u4e2d", "\uff5a", "\U0001d4b3", "a b", "'", '"', "\\", "%", "[x]"]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def shop(folder: Path, events: list[tuple[str, str, int]], items: dict[str, str]) -> Path:
    """Raw files in the layout of Amazon 2018; times within a user tie, and lines stand there twice."""
    folder.mkdir(parents=True)
    lines = [{"reviewerID": user, "asin": item, "overall": 5.0, "unixReviewTime": time} for user, item, time in events]
    (folder / "events.json.gz").write_bytes(gzip.compress(b"\n".join(map(orjson.dumps, lines))))
    told = [{"asin": item, "title": title, "description": [title]} for item, title in items.items()]
    (folder / "items.json.gz").write_bytes(gzip.compress(b"\n".join(map(orjson.dumps, told))))
    return folder


def both(raw: Path, root: Path, **options: Any) -> dict[str, bytes]:
    made = []
    for engine, master in (("duckdb", None), ("spark", "local[2]")):
        prepare_domain(raw, root / engine / raw.name, engine=engine, master=master, **options)  # type: ignore[arg-type]
        made.append(content(root / engine / raw.name))
    assert made[0] == made[1]
    return made[0]


def test_sample_shop(tmp_path: Path, spark: Engine) -> None:
    make_sample(tmp_path / "raw", shops=("Tea",), target=None, users=120, items=60, image_size=16)
    made = both(tmp_path / "raw/Tea", tmp_path, layout="both")
    assert orjson.loads(made["manifest.json"])["interactions"] > 500


def test_awkward_keys_ties_and_repeats(tmp_path: Path, spark: Engine) -> None:
    keys = KEYS[1:]
    events = [(user, item, 7 - i % 2) for i, user in enumerate(reversed(keys)) for item in keys[i % 3 :] + keys[3:5]]
    items = {key: "" if i % 4 == 0 else f"<b>{key}</b>" for i, key in enumerate([*keys, "never", "bought é"])}
    made = both(
        shop(tmp_path / "a [raw] it's", events, items), tmp_path, core=2, layout="parquet", catalogue="metadata"
    )
    users = [orjson.loads(line)[0] for line in made["user2id.jsonl"].splitlines()]
    assert users == sorted(keys, key=str.encode), "bytes decide, not a locale and not UTF-16"
    assert made["item2id.jsonl"].splitlines()[-1].startswith(b'["never"')


def test_one_item(tmp_path: Path, spark: Engine) -> None:
    made = both(shop(tmp_path / "raw", [("u", "x", 3), ("u", "x", 3), ("u", "x", 1)], {"x": "X"}), tmp_path, core=1)
    assert made["histories.jsonl"] == b"[0,[[1,1],[1,3]]]\n"


def test_nothing_left_is_told_alike(tmp_path: Path, spark: Engine) -> None:
    raw, told = shop(tmp_path / "raw", [("u", "x", 3), ("v", "x", 3), ("u", "y", 1)], {"x": "X", "y": "Y"}), []
    for engine, master in (("duckdb", None), ("spark", "local[2]")):
        with pytest.raises(ValueError, match="no interaction is left") as error:
            prepare_domain(raw, tmp_path / "out", core=2, engine=engine, master=master)  # type: ignore[arg-type]
        told.append(str(error.value))
    assert told[0] == told[1] and not (tmp_path / "out").exists()


def test_master_is_sparks(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="only --engine spark"),
        open_engine("duckdb", tmp_path, None, None, "local[2]"),
    ):
        pass


def test_without_pyspark_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(ValueError, match=r"pip install '\.\[spark\]'"), open_engine("spark", tmp_path, None, None):
        pass


def test_nothing_optional_at_import() -> None:
    code = (
        "import sys, data.prepare.spark, data.prepare.engine; sys.exit(bool({'pyspark', 'duckdb'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


@pytest.mark.parametrize(("text", "size"), [("4GB", 4 * 1000**3), ("1.5 GiB", 3 * 2**29), ("512KB", 512_000)])
def test_memory_sizes(text: str, size: int) -> None:
    assert memory_bytes(text) == size


@pytest.mark.parametrize("text", ["4", "much", "4 gb", "-1GB", "GB", "1e3MB"])
def test_no_memory_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="memory_limit"):
        memory_bytes(text)
