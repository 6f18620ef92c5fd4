import shutil
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from data.build_store import open_store
from data.features.table import FeatureTable, read_table, write_table
from data.prepare import merge_domains
from data.prepare.histories import HistoryWriter, Layout, history_files
from data.prepare.shops import Shop
from data.raw.jsonl import write_jsonl


def shop(folder: Path, items: list[str], histories: list[list[list[int]]], name: str = "histories.jsonl") -> Path:
    folder.mkdir(parents=True)
    write_jsonl(folder / "item2id.jsonl", [[item, i] for i, item in enumerate(items, 1)])
    write_jsonl(folder / "user2id.jsonl", [[f"u{i}", i] for i in range(len(histories))])
    image = "../../raw/x/1.jpg"
    write_jsonl(folder / "item.jsonl", [{"item": item, "title": "t", "text": "", "image": image} for item in items])
    write_jsonl(folder / name, [[user, history] for user, history in enumerate(histories)])
    return folder


def features(folder: Path, items: list[str], dim: int = 3, encoder: str = "classic", modality: str = "text") -> None:
    values = np.full((len(items), dim), len(items), np.float32)
    (folder / "features").mkdir(exist_ok=True)
    table = FeatureTable(items, values, np.ones(len(items), bool), encoder, {"b": 1, "a": 2})
    write_table(folder / "features" / f"{modality}.safetensors", table)


def two(tmp_path: Path) -> list[Path]:
    tea = shop(tmp_path / "in/Tea", ["x", "y"], [[[1, 5], [2, 6], [1, 6]], [[2, 1], [1, 2]]])
    ink = shop(tmp_path / "in/Ink", ["x", "w", "v"], [[[3, 5], [1, 6]]], "test_seq.jsonl")
    return [tea, ink]


def read(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_shops_are_kept_apart(tmp_path: Path) -> None:
    out = tmp_path / "All"
    merge_domains(two(tmp_path), out, layout="both")
    keys = ["Tea/x", "Tea/y", "Ink/x", "Ink/w", "Ink/v"]
    assert read(out / "item2id.jsonl") == [[key, i] for i, key in enumerate(keys, 1)]
    assert read(out / "user2id.jsonl") == [["Tea/u0", 0], ["Tea/u1", 1], ["Ink/u0", 2]]
    whole = [[0, [[1, 5], [2, 6], [1, 6]]], [1, [[2, 1], [1, 2]]], [2, [[5, 5], [3, 6]]]]
    assert read(out / "histories.jsonl") == whole
    assert read(out / "train_seq.jsonl") == [[0, whole[0][1][:2]], *whole]
    assert not (out / "test_seq.jsonl").exists() and not (out / "features").exists()
    assert [row["item"] for row in read(out / "item.jsonl")] == keys
    assert {row["image"] for row in read(out / "item.jsonl")} == {"../raw/x/1.jpg"}
    manifest = orjson.loads((out / "manifest.json").read_bytes())
    assert (manifest["kind"], manifest["split"], manifest["users"]) == ("merged", "pretrain", 3)
    assert (manifest["items"], manifest["interactions"], manifest["repeat_rate"]) == (5, 7, 1 / 7)
    assert [tuple(step.values()) for step in manifest["steps"]] == [("Tea", 2, 2, 5), ("Ink", 1, 3, 2)]


def test_features_are_concatenated(tmp_path: Path) -> None:
    shops = two(tmp_path)
    features(shops[0], ["x", "y"])
    features(shops[1], ["x", "w", "v"])
    merge_domains(shops, tmp_path / "All")
    keys = ["Tea/x", "Tea/y", "Ink/x", "Ink/w", "Ink/v"]
    table = read_table(tmp_path / "All/features/text.safetensors", keys)
    assert table.values[:, 0].tolist() == [2, 2, 3, 3, 3]
    assert (table.encoder, table.options) == ("classic", {"a": 2, "b": 1})
    assert not (tmp_path / "All/features/image.safetensors").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dim": 4}, "Ink differ from those of Tea"),
        ({"encoder": "clip"}, "Ink differ"),
        ({"modality": "image"}, "missing in Ink"),
    ],
)
def test_unlike_features_are_refused(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    shops = two(tmp_path)
    features(shops[0], ["x", "y"])
    features(shops[1], ["x", "w", "v"], **change)
    with pytest.raises(ValueError, match=f"text features.*{told}"):
        merge_domains(shops, tmp_path / "All")
    assert not (tmp_path / "All").exists()


def test_same_shop_and_same_name(tmp_path: Path) -> None:
    tea, _ = two(tmp_path)
    other = shop(tmp_path / "other/Tea", ["q"], [[[1, 1]]])
    for domains in ([tea, tea], [tea, other], [tea, tmp_path / "in/../in/Tea"]):
        with pytest.raises(ValueError, match="a shop named Tea is there already"):
            merge_domains(domains, tmp_path / "All")
    with pytest.raises(ValueError, match="at least one"):
        merge_domains([], tmp_path / "All")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([[0, [[1, 1]]], [1, [[3, 1]]]], "2: an item id is outside 1 … 2"),
        ([[0, [[0, 1]]]], "1: an item id is outside 1 … 2"),
        ([[0, [[1, 2], [1, 1]]]], "1: timestamps go backwards"),
        ([[0, [[1, 2.5]]]], r"1: \[1, 2\.5\] is not"),
        ([[0, [[1, "2"]]]], r"1: \[1, '2'\] is not"),
        ([[0, [[True, 2]]]], r"1: \[True, 2\] is not"),
        ([[0, []]], "1: user 0 has 0 events"),
        ([[0, [[1, 2], [1]]]], r"1: \[1\] is not"),
        ([[2, [[1, 1]]]], "1: user id 2 is not between 0 and 1"),
        ([[1, [[1, 1]]], [1, [[1, 1]]]], "2: user id 1 is not between 2 and 1"),
        ([{"user": 1}], "1: a row is not"),
    ],
)
def test_bad_history(tmp_path: Path, rows: list[Any], told: str) -> None:
    tea, ink = two(tmp_path)
    write_jsonl(tea / "histories.jsonl", rows)
    with pytest.raises(ValueError, match=rf"histories\.jsonl:{told}"):
        merge_domains([ink, tea], tmp_path / "All")
    assert not (tmp_path / "All").exists()


@pytest.mark.parametrize(
    ("name", "rows", "told"),
    [
        ("item2id.jsonl", [["x", 1], ["y", 3]], r'2: \["y",3\] is not \[key, 2\]'),
        ("user2id.jsonl", [["u0", 1]], r'1: \["u0",1\] is not \[key, 0\]'),
        ("item.jsonl", [{"item": "y"}], "1: the row is not that of item x"),
        ("item.jsonl", [{"item": "x", "title": "", "text": "", "image": None}], "1: items are missing"),
    ],
)
def test_bad_tables(tmp_path: Path, name: str, rows: list[Any], told: str) -> None:
    tea, ink = two(tmp_path)
    write_jsonl(tea / name, rows)
    with pytest.raises(ValueError, match=rf"{name}:{told}"):
        merge_domains([ink, tea], tmp_path / "All")


def test_no_histories(tmp_path: Path) -> None:
    tea, _ = two(tmp_path)
    (tea / "histories.jsonl").unlink()
    with pytest.raises(ValueError, match=r"neither histories\.jsonl, test_seq\.jsonl nor histories/"):
        merge_domains([tea], tmp_path / "All")


@pytest.mark.parametrize("layout", ["compact", "parquet"])
def test_shops_of_parquet_parts(tmp_path: Path, layout: Layout) -> None:
    """The same as of jsonl, into either layout."""
    lines, parts = two(tmp_path), []
    for folder in lines:
        twin = Shop(shutil.copytree(folder, tmp_path / "parts" / folder.name))
        with HistoryWriter(twin.folder, "parquet", "leave_one_out") as writer:
            for rows in twin.histories(9, 9):
                writer.write(rows)
        (twin.history_files()[0]).unlink()
        parts.append(twin.folder)
    merge_domains(lines, tmp_path / "a/All", layout)
    merge_domains(parts, tmp_path / "b/All", layout)
    assert open_store(tmp_path / "a/All", 5).items.tolist() == [1, 2, 1, 2, 1, 5, 3]
    (name,) = history_files(layout, "pretrain")
    assert (tmp_path / "a/All" / name).read_bytes() == (tmp_path / "b/All" / name).read_bytes()
