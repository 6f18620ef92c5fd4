"""Random models of two layers with tokenizers trained on the spot, saved as a download would be; and a shop."""

import io
import json
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
    SiglipTokenizer,
)

SENTENCES = [
    "green tea from Assam in a tin",
    "Black TEA from Assam, loose leaves",
    "steel kettle for tea, with a whistle",
    "roasted coffee beans from Peru",
    "a grinder of steel for coffee and spices",
    "cups and saucers of white porcelain",
]
LAYERS = {"num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4}
TEXT = {**LAYERS, "max_position_embeddings": 12}
VISION = {**LAYERS, "image_size": 16, "patch_size": 8}


def siglip(folder: Path, seed: int = 0) -> Path:
    folder.mkdir(parents=True)
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([sentence.lower() for sentence in SENTENCES]),
        model_writer=out,
        vocab_size=48,
        unk_id=2,
        bos_id=-1,
        eos_id=1,
        pad_id=0,
        minloglevel=2,
    )
    (folder / "spiece.model").write_bytes(out.getvalue())
    SiglipTokenizer(str(folder / "spiece.model"), model_max_length=12).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 16, "width": 16}).save_pretrained(folder)
    text = {**TEXT, "vocab_size": 48, "pad_token_id": 1, "eos_token_id": 1, "bos_token_id": None, "projection_size": 32}
    return _save(SiglipModel, SiglipConfig(text_config=text, vision_config=VISION), folder, seed)


def clip(folder: Path, seed: int = 0) -> Path:
    folder.mkdir(parents=True)
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Whitespace()
    trained.normalizer = normalizers.Lowercase()
    trained.train_from_iterator(
        SENTENCES, trainers.BpeTrainer(vocab_size=80, special_tokens=["<unk>", "<pad>", "<s>", "</s>"])
    )
    trained.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)]
    )
    names = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=trained, model_max_length=12, **names).save_pretrained(folder)
    size = {"size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16}}
    CLIPImageProcessorPil(**size).save_pretrained(folder)
    text = {**TEXT, "vocab_size": 80, "pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 3}
    config = CLIPConfig(text_config=text, vision_config=VISION, projection_dim=24)
    return _save(CLIPModel, config, folder, seed)


def sentence(folder: Path, pooling: str = "mean_tokens", unit: bool = True, seed: int = 0) -> Path:
    folder.mkdir(parents=True)
    trained = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    trained.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trained.normalizer = normalizers.BertNormalizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trained.train_from_iterator(SENTENCES, trainers.WordPieceTrainer(vocab_size=90, special_tokens=special))
    trained.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=trained, model_max_length=512, **names).save_pretrained(folder)
    kinds = ["Transformer", "Pooling", *(["Normalize"] if unit else [])]
    paths = ["", "1_Pooling", "2_Normalize"]
    modules = [
        {"type": f"sentence_transformers.models.{kind}", "path": path} for kind, path in zip(kinds, paths, strict=False)
    ]
    write(folder / "modules.json", modules)
    write(folder / "1_Pooling/config.json", {"word_embedding_dimension": 32, f"pooling_mode_{pooling}": True})
    write(folder / "sentence_bert_config.json", {"max_seq_length": 12, "do_lower_case": False})
    config = BertConfig(vocab_size=90, max_position_embeddings=20, **LAYERS)
    return _save(BertModel, config, folder, seed)


def _save(kind, config, folder: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    with torch.no_grad():
        model = kind(config)
        for weight in model.parameters():  # as made, rows differ too little from each other to tell them apart
            weight.normal_(0, 0.3)
    model.save_pretrained(folder)
    return folder


def write(path: Path, value) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value))


def make_shop(folder: Path, items: int = 11, seed: int = 0) -> Path:
    """Item 3 has no text, item 5 blanks; every third item has no picture, item 7 a broken one; item 2 is long."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    ids, entries = [], []
    for number in range(1, items + 1):
        text = " ".join(rng.choice(SENTENCES[number % len(SENTENCES)].split(), rng.integers(1, 4)))
        text = {2: " ".join(SENTENCES), 3: "", 5: "  "}.get(number, text)
        image = None if number % 3 == 0 else f"images/I{number}.png"
        if image:
            height, width = rng.integers(16, 60, 2)
            pixels = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / image)
        ids.append(json.dumps([f"I{number}", number]))
        entries.append(json.dumps({"item": f"I{number}", "title": "", "text": text, "image": image}))
    if items >= 7:
        (folder / "images/I7.png").write_bytes(b"broken")
    (folder / "item2id.jsonl").write_text("\n".join(ids) + "\n")
    (folder / "item.jsonl").write_text("\n".join(entries) + "\n")
    return folder
