import json
from pathlib import Path

import pytest

from data.features.encoder import Item, read_items
from data.ids import read_item_keys

IDS = ['["a", 1]', '["b", 2]']
ENTRIES = [
    '{"item": "a", "title": "A", "text": "an a", "image": "images/a.jpg"}',
    '{"item": "b", "title": "", "text": "", "image": null}',
]


def domain(folder: Path, ids=IDS, entries=ENTRIES) -> Path:
    (folder / "item2id.jsonl").write_text("".join(f"{row}\n" for row in ids))
    (folder / "item.jsonl").write_text("".join(f"{row}\n" for row in entries))
    return folder


def test_items_in_id_order(tmp_path):
    found = list(read_items(domain(tmp_path)))
    assert found == [Item("a", "an a", tmp_path / "images/a.jpg"), Item("b", "", None)]
    assert read_item_keys(tmp_path) == ["a", "b"]


def test_items_are_read_one_at_a_time(tmp_path):
    domain(tmp_path, entries=[ENTRIES[0], "broken"])
    items = read_items(tmp_path)
    assert next(items).key == "a"  # the broken second line has not been looked at
    with pytest.raises(ValueError, match=r"item\.jsonl:2: malformed line"):
        next(items)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (['["a", 0]', '["b", 1]'], r'item2id\.jsonl:1: \["a",0\] is not \[key, 1\]'),
        (['["a", 1]', '["b", 3]'], r"item2id\.jsonl:2"),
        (['["a", 1]', '["b", "2"]'], r"item2id\.jsonl:2"),
        (['["a", 1]', "[7, 2]"], r"item2id\.jsonl:2"),
        (['["a", 1]', '["b", 2'], r"item2id\.jsonl:2: malformed line"),
        (['["a", 1]', ""], r"item\.jsonl:2: has more than the 1 items"),
        ([""], r"item2id\.jsonl: has no items"),
        ([], r"item2id\.jsonl: the file is empty"),
    ],
)
def test_malformed_ids(tmp_path, ids, message):
    with pytest.raises(ValueError, match=message):
        list(read_items(domain(tmp_path, ids=ids)))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (ENTRIES[::-1], r"item\.jsonl:1: item 'b', but item2id\.jsonl has 'a'"),
        (ENTRIES[:1], r"item\.jsonl:2: has fewer than the 2 items"),
        ([*ENTRIES, ENTRIES[1]], r"item\.jsonl:3: has more than the 2 items"),
        ([ENTRIES[0], json.dumps({"item": "b", "text": None, "image": None})], r"item\.jsonl:2: expected"),
        ([ENTRIES[0], json.dumps({"item": "b", "text": ""})], r"item\.jsonl:2: expected"),
        ([ENTRIES[0], "[]"], r"item\.jsonl:2: expected"),
        ([ENTRIES[0], "{"], r"item\.jsonl:2: malformed line"),
    ],
)
def test_items_that_differ_from_the_ids(tmp_path, entries, message):
    with pytest.raises(ValueError, match=message):
        list(read_items(domain(tmp_path, entries=entries)))


@pytest.mark.parametrize("name", ["item.jsonl", "item2id.jsonl"])
def test_missing_files(tmp_path, name):
    (domain(tmp_path) / name).unlink()
    with pytest.raises(ValueError, match=rf"{name}: there is no such file.*prepare\.py domain"):
        list(read_items(tmp_path))
