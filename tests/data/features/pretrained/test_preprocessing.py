"""Texts and pictures are prepared as the library prepares them; pooling as a model's folder says."""

import shutil

import numpy as np
import pytest
import tiny_models
import torch
from PIL import Image
from transformers import AutoTokenizer, CLIPImageProcessorPil, SiglipImageProcessorPil

from data.features.pretrained.pictures import Pictures
from data.features.pretrained.sentence import Pooling, read_pooling, text_rules
from data.features.pretrained.texts import TextRules, Texts

SIDES = [(16, 16), (17, 40), (61, 18), (16, 333), (224, 224), (300, 451)]
PROCESSORS = {
    "siglip": SiglipImageProcessorPil(size={"height": 18, "width": 20}),
    "clip": CLIPImageProcessorPil(size={"shortest_edge": 19}, crop_size={"height": 18, "width": 16}),
    "plain": SiglipImageProcessorPil(size={"height": 16, "width": 16}, resample=2, do_normalize=False),
    "bytes": SiglipImageProcessorPil(size={"height": 16, "width": 16}, do_rescale=False, do_normalize=False),
}


@pytest.mark.parametrize("kind", PROCESSORS)
def test_pixels_are_the_librarys(tmp_path, kind):
    PROCESSORS[kind].save_pretrained(tmp_path)
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 255, (*sides, 3), dtype=np.uint8)) for sides in SIDES]
    mine = Pictures(tmp_path)
    pixels = mine(pictures)["pixel_values"]
    assert pixels.dtype == torch.uint8
    expected = torch.from_numpy(np.stack([PROCESSORS[kind](p)["pixel_values"][0] for p in pictures]))
    torch.testing.assert_close(mine.scale(pixels, torch.float32), expected.float(), atol=2e-6, rtol=1e-6)


@pytest.mark.parametrize(
    "processor",
    [
        CLIPImageProcessorPil(size={"shortest_edge": 16}, do_center_crop=False),
        CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 18}),
        SiglipImageProcessorPil(do_resize=False),
    ],
)
def test_pictures_without_a_fixed_size_are_refused(tmp_path, processor):
    processor.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="no fixed size"):
        Pictures(tmp_path)


def test_texts_are_cut_counted_lowered_and_padded(tmp_path):
    folder = tiny_models.siglip(tmp_path / "siglip")
    long, exact = " ".join(tiny_models.SENTENCES), "tea"
    inputs, cut = Texts(folder, TextRules(12, full=True, lower=True))(["green TEA", long, exact])
    assert cut == 1 and inputs.keys() == {"input_ids"} and inputs["input_ids"].shape == (3, 12)
    own = AutoTokenizer.from_pretrained(folder)
    expected = own(["green tea", long, exact], padding="max_length", truncation=True, max_length=12)
    assert inputs["input_ids"].tolist() == expected["input_ids"]
    tokens = len(own(exact)["input_ids"])
    for limit, wanted in [(tokens, 0), (tokens - 1, 1)]:  # the limit itself is not beyond it
        assert Texts(folder, TextRules(limit, full=True))([exact])[1] == wanted
    assert Texts(folder, TextRules(999)).limit == 12  # the tokenizer's own


def test_a_batch_is_as_long_as_its_longest_text(tmp_path):
    folder = tiny_models.sentence(tmp_path / "s")
    inputs, cut = Texts(folder, TextRules(12, prefix="cups "))(["tea", "tea for coffee"])
    own = AutoTokenizer.from_pretrained(folder)
    short, long = (own(f"cups {text}")["input_ids"] for text in ("tea", "tea for coffee"))
    assert cut == 0 and len(short) < len(long) < 12
    assert inputs["input_ids"].tolist() == [short + [0] * (len(long) - len(short)), long]
    assert inputs["attention_mask"].sum(1).tolist() == [len(short), len(long)]


def test_pooling_of_vectors():
    tokens_BTD = torch.tensor([[[3.0, 0.0], [1.0, 4.0], [9.0, 9.0]], [[0.0, 2.0], [0.0, 4.0], [0.0, 6.0]]])
    mask_BT = torch.tensor([[1, 1, 0], [1, 1, 1]])
    assert Pooling("mean", unit=False)(tokens_BTD, mask_BT).tolist() == [[2, 2], [0, 4]]
    assert Pooling("cls", unit=False)(tokens_BTD, mask_BT).tolist() == [[3, 0], [0, 2]]
    torch.testing.assert_close(Pooling()(tokens_BTD, mask_BT)[0], torch.full((2,), 0.5**0.5))


def test_pooling_as_the_folder_says(tmp_path):
    assert read_pooling(tmp_path) == Pooling("mean", unit=True)  # no word of it
    assert read_pooling(tiny_models.sentence(tmp_path / "a", "cls_token", unit=False)) == Pooling("cls", unit=False)
    folder = shutil.copytree(tmp_path / "a", tmp_path / "b")
    for told in (
        {"pooling_mode_max_tokens": True},
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
        {},
    ):
        tiny_models.write(folder / "1_Pooling/config.json", told)
        with pytest.raises(ValueError, match="it pools by"):
            read_pooling(folder)
    tiny_models.write(
        folder / "modules.json", [{"type": "x.Transformer", "path": ""}, {"type": "x.Dense", "path": "d"}]
    )
    with pytest.raises(ValueError, match="it wants Transformer, Dense"):
        read_pooling(folder)


def test_limits_and_prompts_as_the_folder_says(tmp_path):
    assert text_rules(tmp_path, 512) == TextRules(512)
    tiny_models.write(tmp_path / "sentence_bert_config.json", {"max_seq_length": 256, "do_lower_case": True})
    prompts = {"prompts": {"query": "q: ", "passage": "p: "}, "default_prompt_name": "passage"}
    tiny_models.write(tmp_path / "config_sentence_transformers.json", prompts)
    assert text_rules(tmp_path, 512) == TextRules(256, lower=True, prefix="p: ")
    assert text_rules(tmp_path, 128).limit == 128
