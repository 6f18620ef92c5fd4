import re
from pathlib import Path

import pytest

from data.domain import Domain


def domain(folder: Path, items: str = '["A", 1]\n["B", 2]\n', **files: str) -> Domain:
    (folder / "item2id.jsonl").write_text(items)
    for name, text in files.items():
        (folder / f"{name}.jsonl").write_text(text)
    return Domain(folder)


def test_items_in_id_order(tmp_path: Path) -> None:
    assert domain(tmp_path).items == ["A", "B"]
    assert domain(tmp_path).name == tmp_path.name


WRONG = {
    '["A", 1]\n["B", 3]\n': (2, "is not \\[key, 2\\]"),
    '["A", 0]\n': (1, "ids count from 1"),
    '["A", 1]\n["B"]\n': (2, "is not \\[key, 2\\]"),
    '["A", 1]\n\n["B", "2"]\n': (3, "is not \\[key, 2\\]"),
    '{"A": 1}\n': (1, "is not \\[key, 1\\]"),
    '["A", 1]\n["A", 2]\n': (None, "an item has two ids"),
    '["A", 1]\n["B", 2\n': (2, "malformed line"),
    "": (None, "the file is empty"),
}


@pytest.mark.parametrize("items", WRONG)
def test_malformed_item2id(tmp_path: Path, items: str) -> None:
    line, what = WRONG[items]
    with pytest.raises(ValueError, match=what) as told:
        _ = domain(tmp_path, items).items
    assert str(told.value).startswith(str(tmp_path / "item2id.jsonl") + (f":{line}: " if line else ": "))


def test_missing_item2id(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"item2id\.jsonl: there is no such file"):
        _ = Domain(tmp_path).items


def test_titles(tmp_path: Path) -> None:
    assert domain(tmp_path).titles() == ["", ""]
    assert domain(tmp_path, item_text='["B", "Green tea"]\n["Z", "?"]\n').titles() == ["", "Green tea"]
    assert domain(tmp_path, item_text=f'["A", "{"x" * 99}"]\n').titles() == ["x" * 80, ""]
    ours = '{"item": "B", "title": "Black tea", "text": "…"}\n{"item": "A", "title": "", "text": ""}\n'
    assert domain(tmp_path, item=ours).titles() == ["", "Black tea"], "our own file first"
    published = '{"item": "A", "title": null}\n["B", "t"]\n7'
    assert domain(tmp_path, item=published).titles() == ["", ""], "a published item.jsonl has no one form"


@pytest.mark.parametrize("row", ['["B"]', '["B",3]', "7"])
def test_malformed_titles(tmp_path: Path, row: str) -> None:
    told = re.escape(f"item_text.jsonl:2: {row} is not [item, text]")
    with pytest.raises(ValueError, match=told):
        domain(tmp_path, item_text=f'["A", "t"]\n{row}').titles()
