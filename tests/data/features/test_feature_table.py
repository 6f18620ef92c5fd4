import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from data.features.table import FeatureTable, read_source, read_table, write_table

ITEMS = ["b", "a", "ü/7"]


def table(values=((1.0, 2.0), (0.0, 0.0), (3.0, 4.0)), present=(True, False, True)) -> FeatureTable:
    return FeatureTable(ITEMS, np.array(values, np.float32), np.array(present), "enc", {"z": 1, "a": [2]})


def stored(path: Path, **changes) -> None:
    """A file as other software might write it, with some parts changed; None leaves one out."""
    tensors = {"embedding": table().values, "present": table().present}
    metadata = {"items": json.dumps(ITEMS), "encoder": "enc", "options": "{}"}
    for name, value in changes.items():
        part = tensors if name in tensors else metadata
        if value is None:
            del part[name]
        else:
            part[name] = value
    save_file(tensors, path, metadata)


def test_round_trip(tmp_path):
    path = tmp_path / "features" / "text.safetensors"
    write_table(path, table(), source="abc")
    found = read_table(path, ITEMS)
    assert found.items == ITEMS and found.encoder == "enc" and found.options == {"z": 1, "a": [2]}
    np.testing.assert_array_equal(found.values, table().values)
    np.testing.assert_array_equal(found.present, [True, False, True])
    assert found.dim == 2 and read_source(path) == "abc"
    assert [file.name for file in path.parent.iterdir()] == ["text.safetensors"]


@given(
    rows=st.integers(0, 5),
    dim=st.integers(1, 5),
    keys=st.lists(st.text(), min_size=5, max_size=5, unique=True),
)
def test_any_shape_and_key_round_trips_and_others_can_read_it(tmp_path_factory, rows, dim, keys):
    path = tmp_path_factory.mktemp("t") / "t.safetensors"
    values = np.arange(rows * dim, dtype=np.float32).reshape(rows, dim)
    write_table(path, FeatureTable(keys[:rows], values, np.ones(rows, bool), "e", {}))
    np.testing.assert_array_equal(read_table(path, keys[:rows]).values, values)
    np.testing.assert_array_equal(load_file(path)["embedding"], values)


def test_equal_tables_have_equal_bytes(tmp_path):
    for name in ("x", "y"):
        write_table(tmp_path / name, table(), "s")
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()
    content = (tmp_path / "x").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert list(header["__metadata__"]) == ["encoder", "items", "options", "source"]  # in no hash map's order


def test_rows_without_present_are_zero_whatever_they_held(tmp_path):
    held = table(values=((1, 2), (np.nan, 5), (3, 4)))
    write_table(tmp_path / "w", held)
    stored(tmp_path / "s", embedding=held.values)
    for name in ("w", "s"):
        np.testing.assert_array_equal(read_table(tmp_path / name, ITEMS).values[1], [0, 0])


def test_nan_in_a_present_row_is_named_and_nothing_is_written(tmp_path):
    broken = table(values=((1, 2), (0, 0), (3, np.inf)))
    with pytest.raises(ValueError, match=r"row 2 \(item 'ü/7'\) holds NaN"):
        write_table(tmp_path / "w", broken)
    assert not list(tmp_path.iterdir())
    stored(tmp_path / "s", embedding=broken.values)
    with pytest.raises(ValueError, match=r"row 2 \(item 'ü/7'\) holds NaN"):
        read_table(tmp_path / "s", ITEMS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"embedding": None}, "no tensor 'embedding'"),
        ({"present": None}, "no tensor 'present'"),
        ({"items": None}, "no metadata key 'items'"),
        ({"items": "[1, 2, 3]"}, "not a JSON list of texts"),
        ({"items": "[1,"}, "'items' is not JSON"),
        ({"items": '["a"]'}, "3 rows for 1 items"),
        ({"options": "3"}, "not a JSON object"),
        ({"options": "{"}, "'options' is not JSON"),
        ({"embedding": np.ones(3, np.float32)}, "not float32"),
        ({"embedding": np.ones((3, 2))}, "not float32"),
        ({"embedding": np.ones((3, 2), np.int8)}, "has the type I8"),
        ({"present": np.ones(2, bool)}, "not bool"),
        ({"present": np.ones(3, np.float32)}, "not bool"),
    ],
)
def test_malformed_files_are_told(tmp_path, changes, message):
    stored(tmp_path / "t", **changes)
    with pytest.raises(ValueError, match=message) as error:
        read_table(tmp_path / "t", ITEMS)
    assert str(tmp_path / "t") in str(error.value)


def test_missing_truncated_and_foreign_files(tmp_path):
    path = tmp_path / "t.safetensors"
    with pytest.raises(ValueError, match=r"no such file.*prepare\.py features"):
        read_table(path, ITEMS)
    write_table(path, table())
    for content in (b"", b"hello", path.read_bytes()[:-3], path.read_bytes()[:20]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a whole safetensors file"):
            read_table(path, ITEMS)


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (["b", "ü/7", "a"], "row 1 is item 'a', but item id 2 is 'ü/7'"),
        (["b", "a"], "has 3 items, the domain has 2"),
        ([*ITEMS, "c"], "has 3 items, the domain has 4"),
    ],
)
def test_another_item_order_is_refused(tmp_path, expected, message):
    write_table(tmp_path / "t", table())
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "t", expected)


def test_a_table_of_uneven_parts_is_a_bug():
    with pytest.raises(AssertionError):
        FeatureTable(["a"], np.zeros((2, 2), np.float32), np.ones(2, bool), "e", {})
