import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from data.features.classic import ClassicText
from data.features.encoder import read_item_keys
from data.features.extract import extract_features
from data.features.load import load_features

ROOT = Path(__file__).parents[3]
SHOPS = {
    "Tea": ["green tea from Assam", "black tea from Assam", "", "steel kettle for tea"],
    "Coffee": ["roasted coffee", "coffee from Assam", "steel grinder for coffee"],
}
COLOURS = ["red", "green", "blue", None]  # None: the item has no picture


@pytest.fixture
def shops(tmp_path) -> list[Path]:
    return [make_shop(tmp_path / name, texts) for name, texts in SHOPS.items()]


def make_shop(folder: Path, texts: list[str]) -> Path:
    (folder / "images").mkdir(parents=True)
    ids, entries = [], []
    for number, (text, colour) in enumerate(zip(texts, COLOURS, strict=False), start=1):
        key = f"{folder.name[0]}{number}"
        if colour:
            Image.new("RGB", (20, 20), colour).save(folder / f"images/{key}.png")
        ids.append(json.dumps([key, number]))
        image = f"images/{key}.png" if colour else None
        entries.append(json.dumps({"item": key, "title": "", "text": text, "image": image}))
    (folder / "item2id.jsonl").write_text("\n".join(ids) + "\n")
    (folder / "item.jsonl").write_text("\n".join(entries) + "\n")
    return folder


def loaded(shop: Path, modality="text"):
    table = load_features(shop, modality, read_item_keys(shop))
    assert table is not None
    return table


def contents(shops: list[Path]) -> dict[str, bytes]:
    files = [file for shop in shops for file in (shop / "features").iterdir()]
    return {f"{file.parent.parent.name}/{file.name}": file.read_bytes() for file in files}


def change_text(shop: Path, old: str, new: str) -> None:
    path = shop / "item.jsonl"
    path.write_text(path.read_text().replace(old, new))


def test_shops_given_together_share_one_space(shops):
    done = extract_features(shops, text_dim=5)
    tea, coffee = (loaded(shop) for shop in shops)
    assert (tea.encoder, tea.options, tea.dim) == (coffee.encoder, coffee.options, coffee.dim)
    assert tea.values.shape == (4, 5) and tea.present.tolist() == [True, True, False, True]
    like = tea.values @ coffee.values.T
    assert like[3, 2] > like[3, 0]  # steel, in both shops
    pictures = loaded(shops[0], "image")
    assert pictures.present.tolist() == [True, True, True, False] and pictures.options["size"] == 64
    np.testing.assert_array_equal(pictures.values[:3], loaded(shops[1], "image").values)  # the same colours
    assert [(d.domain.name, d.modality, d.items, d.present, d.dim, d.reused) for d in done] == [
        ("Tea", "text", 4, 3, 5, False),
        ("Coffee", "text", 3, 3, 5, False),
        ("Tea", "image", 4, 3, 384, False),
        ("Coffee", "image", 3, 3, 384, False),
    ]
    assert sorted(contents(shops)) == [
        f"{shop}/{name}.safetensors" for shop in ("Coffee", "Tea") for name in ("image", "text", "text_encoder")
    ]


def test_what_is_up_to_date_is_kept(shops, monkeypatch):
    extract_features(shops)
    stamps = {file: file.stat().st_mtime_ns for shop in shops for file in (shop / "features").iterdir()}
    monkeypatch.setattr("data.features.classic_text.ClassicText.fit", None)  # neither fitted
    monkeypatch.setattr("data.features.classic_text.ClassicText.encode", None)  # nor encoded
    monkeypatch.setattr("data.features.classic_image.ClassicImage.encode", None)
    assert all(entry.reused for entry in extract_features(shops))
    assert all(entry.reused for entry in extract_features(shops, overwrite=True))
    assert stamps == {file: file.stat().st_mtime_ns for file in stamps}


def test_the_same_bytes_whatever_the_hash_seed(shops, tmp_path):
    extract_features(shops)
    first = contents(shops)
    for name in first:
        (tmp_path / name.replace("/", "/features/")).unlink()
    code = (
        "import sys; from pathlib import Path; from data.features.extract import extract_features;"
        "assert not {'torch', 'sklearn', 'skimage'} & set(sys.modules);"
        "extract_features([Path(shop) for shop in sys.argv[1:]]); assert 'torch' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code, *map(str, shops)], cwd=ROOT, env=environment, check=True)
    assert contents(shops) == first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text_dim": 3}, "Tea/features/text.safetensors: holds features made with"),
        ({"seed": 1}, "made with"),
        ({"image_size": 32}, "image.safetensors: holds features made with"),
        ({"fit": "Tea"}, "made with"),
    ],
)
def test_other_options_need_overwrite(shops, options, message):
    extract_features(shops)
    before = contents(shops)
    if "fit" in options:
        options = {"fit": shops[:1]}
    with pytest.raises(ValueError, match=rf"{message}.*--overwrite true"):
        extract_features(shops, **options)
    assert contents(shops) == before
    extract_features(shops, **options, overwrite=True)
    assert contents(shops) != before
    for shop in shops:
        kept = ClassicText.load(shop / "features/text_encoder.safetensors")
        assert kept.options == loaded(shop).options
    assert all(entry.reused for entry in extract_features(shops, **options))


def test_changed_texts_pictures_and_items_are_noticed(shops):
    tea = shops[:1]
    keep = {"text_encoder": shops[0] / "features/text_encoder.safetensors"}
    extract_features(tea)
    change_text(shops[0], "green tea", "black tea")
    with pytest.raises(ValueError, match="made from other texts, or another table, than now"):
        extract_features(tea, **keep)
    extract_features(tea, **keep, overwrite=True)
    Image.new("RGB", (20, 20), "gold").save(shops[0] / "images/T1.png")
    with pytest.raises(ValueError, match="made from other images, or another table, than now"):
        extract_features(tea, **keep)
    extract_features(tea, **keep, overwrite=True)
    for name in ("item.jsonl", "item2id.jsonl"):
        path = shops[0] / name
        path.write_text(path.read_text().replace('"T2"', '"T9"'))
    with pytest.raises(ValueError, match="row 1 is item 'T2', but item id 2 is 'T9'"):
        extract_features(tea, **keep)
    assert not any(entry.reused for entry in extract_features(tea, overwrite=True))


def test_a_broken_table_or_encoder_can_be_made_again(shops):
    extract_features(shops)
    good = contents(shops)
    (shops[0] / "features/text_encoder.safetensors").write_bytes(b"broken")
    extract_features(shops)
    assert contents(shops) == good
    (shops[0] / "features/text.safetensors").write_bytes(b"broken")
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        extract_features(shops)
    extract_features(shops, overwrite=True)
    assert contents(shops) == good


def test_a_new_shop_in_the_space_of_an_old_encoder(shops, tmp_path):
    extract_features(shops, text_dim=4)
    chai = make_shop(tmp_path / "Chai", ["black tea from Assam", "unheard words"])
    saved = shops[0] / "features/text_encoder.safetensors"
    extract_features([chai], text_encoder=saved)
    tea, new = loaded(shops[0]), loaded(chai)
    assert new.options == tea.options and new.present.tolist() == [True, False]
    np.testing.assert_allclose(new.values[0], tea.values[1], rtol=1e-6)
    assert (chai / "features/text_encoder.safetensors").read_bytes() == saved.read_bytes()


def test_fit_on_some_shops_only(shops):
    extract_features(shops, fit=shops[:1], image="none")
    assert loaded(shops[1]).present.tolist() == [False, True, False]  # the tea shop knows Assam only
    assert load_features(shops[0], "image", read_item_keys(shops[0])) is None


def test_precomputed_tables_need_no_item_texts(shops, tmp_path):
    table = tmp_path / "t.safetensors"
    save_file({"embedding": np.eye(3, dtype=np.float32)}, table, {"items": '["C2", "T4", "T1"]'})
    extract_features(shops, image="none")
    for shop in shops:
        (shop / "item.jsonl").unlink()
    options = {"text": "precomputed", "text_table": table, "image": "precomputed", "image_table": table}
    extract_features(shops, **options, overwrite=True)
    for modality in ("text", "image"):
        tea, coffee = (loaded(shop, modality) for shop in shops)
        assert tea.values.tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 1, 0]]
        assert tea.present.tolist() == [True, False, False, True] and tea.options == coffee.options
    assert not (shops[0] / "features/text_encoder.safetensors").exists()  # it belongs to no features now
    assert all(entry.reused for entry in extract_features(shops, **options))


def test_none_leaves_what_is_there(shops):
    extract_features(shops)
    before = contents(shops)
    assert extract_features(shops, text="none", image="none") == []
    assert contents(shops) == before


def test_bad_items_are_told_before_anything_is_written(shops):
    (shops[1] / "item.jsonl").write_text("broken\n")
    with pytest.raises(ValueError, match=r"Coffee/item\.jsonl:1: malformed line"):
        extract_features(shops, fit=shops[:1])
    assert not any((shop / "features").exists() for shop in shops)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "precomputed"}, "Add --text_table FILE"),
        ({"image": "precomputed"}, "Add --image_table FILE"),
        ({"text_table": Path("x.npz")}, "Add --text precomputed"),
        ({"image": "none", "image_table": Path("x.npz")}, "Add --image precomputed"),
        ({"text": "none", "fit": [Path("x")]}, "are for classic text"),
        ({"text": "none", "text_encoder": Path("x")}, "are for classic text"),
        ({"text_encoder": Path("x"), "fit": [Path("x")]}, "both given"),
        ({"text_encoder": Path("gone")}, "gone: no such file"),
        ({"fit": [Path("gone")]}, "gone: no such folder"),
        ({"text_dim": 0}, "at least 1"),
        ({"image_size": 3}, "at least 16"),
    ],
)
def test_contradicting_options(shops, options, message):
    with pytest.raises(ValueError, match=message):
        extract_features(shops, **options)
    assert not (shops[0] / "features").exists()


def test_no_domain_a_missing_one_and_one_given_twice(shops, tmp_path):
    with pytest.raises(ValueError, match="No domain is given"):
        extract_features([])
    with pytest.raises(ValueError, match="Gone: no such folder"):
        extract_features([tmp_path / "Gone"])
    assert not list(tmp_path.glob(".Gone*"))
    twice = [shops[0], tmp_path / "Coffee" / ".." / "Tea"]
    assert len(extract_features(twice, image="none")) == 1
