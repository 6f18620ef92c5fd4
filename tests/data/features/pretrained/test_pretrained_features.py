"""`prepare.py features --encoder`: the whole path, offline, with tiny random models; kills too."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tiny_models
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from data.features.encoder import Item, read_item_keys, read_items
from data.features.extract import extract_features
from data.features.load import load_features
from data.features.pretrained.run import run

ROOT = Path(__file__).parents[4]
KINDS = ("siglip", "clip", "sentence")


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Path]:
    return {kind: getattr(tiny_models, kind)(tmp_path_factory.mktemp("models") / kind) for kind in KINDS}


@pytest.fixture
def shop(tmp_path) -> Path:
    return tiny_models.make_shop(tmp_path / "Shop")


def extract(shop: Path, model: Path, **options):
    return extract_features([shop], encoder=str(model), **({"batch": 3, "workers": 0, "shard": 4} | options))


def table(shop: Path, modality: str):
    return load_features(shop, modality, read_item_keys(shop))


def contents(shop: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (shop / "features").rglob("*") if path.is_file()}


@torch.inference_mode()
def text_row(kind: str, folder: Path, item: Item) -> np.ndarray:
    """One text by itself, with what the library has."""
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    options = {"padding": "max_length"} if kind == "siglip" else {}
    inputs = tokenizer([item.text], truncation=True, max_length=12, return_tensors="pt", **options)
    if kind == "sentence":
        row = model(**inputs).last_hidden_state[0].mean(0)
    else:
        names = ["input_ids"] if kind == "siglip" else ["input_ids", "attention_mask"]
        row = model.get_text_features(**{name: inputs[name] for name in names}).pooler_output[0]
    return (row / row.norm()).numpy()


@torch.inference_mode()
def image_row(folder: Path, item: Item) -> np.ndarray:
    pixels = AutoImageProcessor.from_pretrained(folder, backend="pil")(Image.open(item.image), return_tensors="pt")
    row = AutoModel.from_pretrained(folder).eval().get_image_features(**pixels).pooler_output[0]
    return (row / row.norm()).numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_each_row_is_its_items_own(models, shop, kind, caplog):
    with caplog.at_level("INFO"):
        extract(shop, models[kind])
    items = list(read_items(shop))
    found = table(shop, "text")
    assert found.present.tolist() == [bool(item.text.strip()) for item in items]
    known = [item for item in items if item.text.strip()]
    expected = np.stack([text_row(kind, models[kind], item) for item in known])
    np.testing.assert_allclose(found.values[found.present], expected, atol=2e-6)
    assert np.abs(expected - expected[0]).max(1)[1:].min() > 1e-3  # a row in another's place would show
    assert (found.encoder, found.notes) == (kind, {"precision": "float32", "truncated": 1, "unusable": 0})
    assert "1 of 11 texts were cut at 12 tokens" in caplog.text
    if kind == "sentence":
        assert table(shop, "image") is None
        return
    pictures = table(shop, "image")
    usable = [item for item in items if item.image and item.key != "I7"]
    assert [item.key for item, there in zip(items, pictures.present, strict=True) if there] == [i.key for i in usable]
    expected = np.stack([image_row(models[kind], item) for item in usable])
    np.testing.assert_allclose(pictures.values[pictures.present], expected, atol=2e-6)
    assert pictures.notes["unusable"] == 1 and pictures.dim == found.dim == {"siglip": 32, "clip": 24}[kind]
    assert "1 pictures could not be used" in caplog.text
    assert sorted(contents(shop)) == ["image.safetensors", "text.safetensors"]  # and no parts are left


def test_what_is_recorded(models, shop):
    extract(shop, models["clip"])
    text, image = table(shop, "text").options, table(shop, "image").options
    assert text["revision"] == image["revision"] and text["revision"].startswith("sha256:")
    assert (text["max_tokens"], text["full"], text["unit"]) == (12, False, True)
    assert (image["resize"], image["crop"], len(image["mean"])) == (16, [16, 16], 3)


def test_the_same_bytes_with_any_number_of_workers(models, shop):
    extract(shop, models["siglip"])
    first = contents(shop)
    for name in first:
        (shop / "features" / name).unlink()
    extract(shop, models["siglip"], workers=2)
    assert contents(shop) == first


def test_an_up_to_date_table_is_kept_and_no_weights_are_read(models, shop, monkeypatch):
    extract(shop, models["siglip"])
    monkeypatch.setattr("data.features.pretrained.job.run", None)
    assert [entry.reused for entry in extract(shop, models["siglip"])] == [True, True]


def test_other_models_and_revisions_are_refused(models, shop, tmp_path):
    extract(shop, models["siglip"])
    before = contents(shop)
    with pytest.raises(ValueError, match="of the encoder 'siglip', not 'clip'"):
        extract(shop, models["clip"])
    other = tiny_models.siglip(tmp_path / "other/siglip", seed=1)
    with pytest.raises(ValueError, match=r"made with .*'revision': 'sha256:.*--overwrite true"):
        extract(shop, other)
    with pytest.raises(ValueError, match="of the encoder 'siglip', not 'tfidf-svd'"):
        extract_features([shop])
    assert contents(shop) == before
    extract(shop, other, overwrite=True)
    assert contents(shop) != before


def test_models_and_classic_encoders_side_by_side(models, shop):
    extract(shop, models["sentence"], image="classic")
    assert table(shop, "image").encoder == "hog-colour" and table(shop, "text").encoder == "sentence"
    extract(shop, models["clip"], text="none", overwrite=True)
    assert table(shop, "image").encoder == "clip" and table(shop, "text").encoder == "sentence"


def test_a_shop_without_a_text_or_a_picture(models, tmp_path):
    shop = tiny_models.make_shop(tmp_path / "Bare", items=5)
    path = shop / "item.jsonl"
    lines = [f'{{"item": "I{n}", "title": "", "text": "", "image": null}}' for n in range(1, 6)]
    path.write_text("\n".join(lines) + "\n")
    extract(shop, models["clip"], shard=2)
    for modality in ("text", "image"):
        assert table(shop, modality).values.shape == (5, 24) and not table(shop, modality).present.any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image": "encoder"}, "sentence: it encodes no pictures"),
        ({"text": "classic", "image": "none"}, "Leave one of them out"),
        ({"fit": [Path("x")]}, "are for classic text"),
        ({"batch": 0}, "batch 0"),
        ({"workers": -1}, "workers -1"),
        ({"shard": 0}, "shard 0"),
        ({"devices": ["cuda:99"]}, "there is no cuda:99. There are cpu"),
        ({"devices": []}, "there is no name"),
    ],
)
def test_contradicting_options(models, shop, options, message):
    with pytest.raises(ValueError, match=message):
        extract(shop, models["sentence"], **options)


def test_options_of_a_model_without_a_model(shop):
    for options in ({"text": "encoder"}, {"revision": "main"}):
        with pytest.raises(ValueError, match="Add --encoder siglip"):
            extract_features([shop], **options)


def test_a_kill_loses_a_shard_at_most_and_the_bytes_are_the_same(models, tmp_path, monkeypatch):
    whole, killed = (tiny_models.make_shop(tmp_path / name / "Shop", items=400) for name in ("whole", "killed"))
    extract(whole, models["siglip"], image="none", batch=2)
    options = ["--encoder", str(models["siglip"]), "--image", "none", "--batch", "2", "--shard", "4", "--workers", "1"]
    command = [sys.executable, "prepare.py", "features", "--domains", f"[{killed}]", *options]
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    while process.poll() is None and len(list(killed.glob("features/.text-*/0*.safetensors"))) < 3:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = len(list(killed.glob("features/.text-*/0*.safetensors")))
    assert 3 <= there < 100 and not (killed / "features/text.safetensors").exists()
    missing: list[int] = []

    def spy(task, devices):
        missing.extend(task.shards.missing())
        run(task, devices)

    monkeypatch.setattr("data.features.pretrained.job.run", spy)
    extract(killed, models["siglip"], image="none", batch=2)
    assert missing == list(range(there, 100))
    assert contents(killed) == contents(whole)


@pytest.mark.slow
def test_two_devices_give_the_same_bytes(models, tmp_path):
    one, two = (tiny_models.make_shop(tmp_path / name / "Shop") for name in ("one", "two"))
    extract(one, models["clip"], image="none")
    extract(two, models["clip"], image="none", devices=["cpu", "cpu"])
    assert contents(one) == contents(two)
