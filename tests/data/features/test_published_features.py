import random
from pathlib import Path

import numpy as np
import orjson
import pytest
import torch

from data.features.load import load_features
from data.features.published import read_published
from data.features.table import FeatureTable, write_table

SCIENTIFIC = Path(__file__).parents[4] / "shared/data/processed/ScientificCLIP"
ITEMS = ["a", "b", "c"]


def saved(path: Path, value: object) -> Path:
    torch.save(value, path)
    return path


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_rows_of_zeros_are_missing(tmp_path, dtype):
    path = saved(tmp_path / "text_feat.pth", torch.tensor([[1, 2], [0, 0], [0, 4]], dtype=dtype))
    table = read_published(path, ITEMS)
    assert table.values.dtype == np.float32 and table.items == ITEMS
    np.testing.assert_array_equal(table.values, [[1, 2], [0, 0], [0, 4]])
    np.testing.assert_array_equal(table.present, [True, False, True])
    assert "text_feat.pth" in table.encoder


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.ones(4, 2), "has 4 rows, item2id.jsonl has 3 items"),
        (torch.tensor([[1.0], [float("nan")], [1.0]]), r"row 1 \(item 'b'\) holds NaN"),
        (torch.ones(3), "not floating"),
        (torch.ones(3, 0), "not floating"),
        (torch.ones(3, 2, dtype=torch.int64), "holds a tensor int64"),
        (torch.ones(3, 2).to_sparse(), "not floating"),
        ({"embedding": torch.ones(3, 2)}, "holds a dict, not a tensor"),
        (Path("x"), "not a readable .pth"),
    ],
)
def test_other_contents_are_told(tmp_path, value, message):
    with pytest.raises(ValueError, match=message):
        read_published(saved(tmp_path / "f.pth", value), ITEMS)


def test_missing_and_broken_files_are_told(tmp_path):
    path = tmp_path / "f.pth"
    with pytest.raises(ValueError, match="no such file"):
        read_published(path, ITEMS)
    good = saved(path, torch.ones(3, 2)).read_bytes()
    dice = random.Random(0)
    junk = [dice.randbytes(60) for _ in range(20)] + [b"\x80\x02" + dice.randbytes(40) for _ in range(40)]
    for content in [b"", b"text", good[:-20], good[:100], *junk]:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"f\.pth: "):
            read_published(path, ITEMS)


def test_a_domain_has_its_own_table_first_then_the_published_one_then_none(tmp_path):
    assert load_features(tmp_path, "text", ITEMS) is None
    saved(tmp_path / "text_feat.pth", torch.ones(3, 2))
    published = load_features(tmp_path, "text", ITEMS)
    assert published is not None and published.dim == 2
    own = FeatureTable(ITEMS, np.ones((3, 5), np.float32), np.ones(3, bool), "own", {})
    write_table(tmp_path / "features/text.safetensors", own)
    found = load_features(tmp_path, "text", ITEMS)
    assert found is not None and found.encoder == "own" and found.dim == 5
    assert load_features(tmp_path, "image", ITEMS) is None


@pytest.mark.skipif(not SCIENTIFIC.exists(), reason=f"real data are not at {SCIENTIFIC}")
@pytest.mark.parametrize("modality", ["text", "image"])
def test_scientific_clip(modality):
    with (SCIENTIFIC / "item2id.jsonl").open("rb") as file:
        items = [orjson.loads(line)[0] for line in file]
    table = load_features(SCIENTIFIC, modality, items)
    assert table is not None and table.values.shape == (1585, 512) and table.present.all()
    with pytest.raises(ValueError, match=r"1585 rows.*1584 items"):
        load_features(SCIENTIFIC, modality, items[1:])
