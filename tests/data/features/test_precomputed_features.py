import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from data.features.encoder import Item
from data.features.precomputed import Precomputed
from data.features.table import FeatureTable, write_table

EMBEDDINGS = Path(__file__).parents[4] / "shared/data/embeddings"
KEYS = ["a", "b", "c"]
VALUES = np.array([[1, 2], [3, 4], [5, 6]], np.float32)


def items(*keys: str) -> list[Item]:
    return [Item(key, "", None) for key in keys]


def stored(path: Path, keys=KEYS, values=VALUES) -> Path:
    if path.suffix == ".safetensors":
        save_file({"embedding": values}, path, {"items": json.dumps(keys), "encoder": "SigLIP"})
    elif path.suffix == ".npz":
        np.savez(path, items=np.array(keys), embedding=values)
    else:
        torch.save({"items": keys, "embedding": torch.from_numpy(values)}, path)
    return path


@pytest.fixture(params=["t.safetensors", "t.npz", "t.pth"])
def path(request, tmp_path) -> Path:
    return tmp_path / request.param


def test_rows_follow_the_keys(path, caplog):
    with caplog.at_level(logging.WARNING):
        values, present = Precomputed(stored(path)).fit([]).encode(items("c", "new", "a"))
    np.testing.assert_array_equal(values, [[5, 6], [0, 0], [1, 2]])
    np.testing.assert_array_equal(present, [True, False, True])
    assert values.dtype == np.float32 and present.dtype == np.bool_
    assert "1 of 3 items are not in it" in caplog.text


def test_a_shuffled_table_gives_the_same_rows(path):
    straight = Precomputed(stored(path)).encode(items("b", "x", "c", "a"))
    shuffle = [2, 0, 1]
    shuffled = Precomputed(stored(path, [KEYS[i] for i in shuffle], VALUES[shuffle]))
    for one, other in zip(straight, shuffled.encode(items("b", "x", "c", "a")), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_row_of_zeros_is_missing(path):
    _, present = Precomputed(stored(path, values=VALUES * [[1], [0], [1]])).encode(items(*KEYS))
    np.testing.assert_array_equal(present, [True, False, True])


def test_doubles_become_floats(path):
    values, _ = Precomputed(stored(path, values=VALUES.astype(np.float64))).encode(items("b"))
    assert values.dtype == np.float32 and values.tolist() == [[3, 4]]


def test_no_items_at_all(path):
    values, present = Precomputed(stored(path)).encode([])
    assert values.shape == (0, 2) and present.shape == (0,)


@pytest.mark.parametrize(
    ("keys", "values", "message"),
    [
        (["a", "b", "a"], VALUES, "item 'a' is in rows 0 and 2"),
        (KEYS, VALUES[:2], "2 rows for 3 items"),
        (KEYS, VALUES[:, 0].copy(), "not floating"),
        (KEYS, VALUES.astype(np.int64), "not floating"),
        (KEYS, VALUES[:, :0].copy(), "not floating"),
        (KEYS, np.array([[1, 2], [np.nan, 0], [1, 1]], np.float32), r"row 1 \(item 'b'\) holds NaN"),
        (KEYS, np.array([[1, 2], [1, 0], [1, 1e300]]), r"row 2 \(item 'c'\) holds NaN or infinity"),
    ],
)
def test_malformed_tables(path, keys, values, message):
    with pytest.raises(ValueError, match=message):
        Precomputed(stored(path, keys, values))


def test_none_of_the_items(path):
    with pytest.raises(ValueError, match=r"names none of the 2 items: it has 'a'.*'Shop/a'.*Key the table"):
        Precomputed(stored(path)).encode(items("Shop/a", "Shop/b"))


def test_missing_broken_and_foreign_files(path):
    with pytest.raises(ValueError, match="no such file"):
        Precomputed(path)
    good = stored(path).read_bytes()
    for content in (b"", b"hello", good[: len(good) // 2], good[:-5]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=path.name):
            Precomputed(path)


def test_another_ending(tmp_path):
    (tmp_path / "t.csv").write_text("a,1")
    with pytest.raises(ValueError, match=r"ending '\.csv'.*\.safetensors, \.npz or \.pth"):
        Precomputed(tmp_path / "t.csv")


def test_parts_left_out(tmp_path):
    np.savez(tmp_path / "e.npz", embedding=VALUES)
    np.savez(tmp_path / "o.npz", items=np.array(KEYS, object), embedding=VALUES)
    np.savez(tmp_path / "n.npz", items=np.arange(3), embedding=VALUES)
    torch.save({"items": [1, 2, 3], "embedding": torch.ones(3, 2)}, tmp_path / "i.pth")
    torch.save(torch.ones(3, 2), tmp_path / "t.pth")
    save_file({"embedding": VALUES}, tmp_path / "m.safetensors")
    save_file({"vectors": VALUES}, tmp_path / "v.safetensors", {"items": json.dumps(KEYS)})
    for name, message in {
        "e.npz": "no array 'items'",
        "o.npz": "not a plain, whole .npz",  # an object array is a pickle
        "n.npz": "'items' is int64",
        "i.pth": "not a dict of 'items'",
        "t.pth": "not a dict of 'items'",
        "m.safetensors": "no metadata key 'items'",
        "v.safetensors": "no tensor 'embedding'",
    }.items():
        with pytest.raises(ValueError, match=message):
            Precomputed(tmp_path / name)


def test_tables_of_one_encoder_are_of_one_space_and_told_apart_by_checksum(tmp_path):
    one = Precomputed(stored(tmp_path / "t.safetensors"))
    again = Precomputed(stored(tmp_path / "u.safetensors", values=VALUES + 1))
    assert one.options == again.options == {"source": "SigLIP"}
    assert one.checksum != again.checksum


def test_our_own_feature_files_are_such_tables(tmp_path):
    own = FeatureTable(KEYS, VALUES, np.array([True, True, False]), "own", {})
    write_table(tmp_path / "text.safetensors", own)
    values, present = Precomputed(tmp_path / "text.safetensors").encode(items("c", "b"))
    assert present.tolist() == [False, True] and values.tolist() == [[0, 0], [3, 4]]


def test_the_present_of_a_table_is_heeded(tmp_path):
    path, holes = tmp_path / "t.safetensors", np.array([[1, 2], [np.nan, 4], [5, 6]], np.float32)
    metadata = {"items": json.dumps(KEYS)}
    save_file({"embedding": holes, "present": np.array([True, False, False])}, path, metadata)
    values, present = Precomputed(path).encode(items(*KEYS))
    assert present.tolist() == [True, False, False] and values.tolist() == [[1, 2], [0, 0], [0, 0]]
    save_file({"embedding": holes, "present": np.ones(2, bool)}, path, metadata)
    with pytest.raises(ValueError, match=r"'present' is bool \(2,\), not bool \(3,\)"):
        Precomputed(path)


@pytest.mark.skipif(not EMBEDDINGS.exists(), reason=f"real data are not at {EMBEDDINGS}")
@pytest.mark.parametrize(("modality", "dim", "missing"), [("text", 384, 0), ("image", 448, 19)])
def test_movies(modality, dim, missing):
    keys = [f"ML{number:08d}" for number in range(1, 1683)]
    values, present = Precomputed(EMBEDDINGS / f"movies-{modality}.safetensors").encode(items(*keys))
    assert values.shape == (1682, dim) and (~present).sum() == missing
    assert not values[~present].any() and values[present].any(axis=1).all()
