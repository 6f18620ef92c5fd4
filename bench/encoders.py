"""Published encoders, whole path and forward pass alone: ``python -m bench.encoders``."""

import io
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import torch
from PIL import Image

from bench.harness import Work, compare
from bench.options import Options, sized
from bench.report import Row
from bench.run import Rates, main
from data.features.load import Modality
from data.features.pretrained.batches import ShardBatches
from data.features.pretrained.devices import batch_for, workers_for
from data.features.pretrained.run import Task, run
from data.features.pretrained.shards import Shards
from data.features.pretrained.source import Source, find_model
from data.features.pretrained.space import open_space
from data.features.pretrained.tower import Tower

VOCABULARY = 2000
MODALITIES: tuple[Modality, ...] = ("text", "image")


@dataclass
class EncodersOptions(Options):
    """Items/s of a SigLIP with random weights: from files to stored rows, beside the forward pass on prepared batches.

    Both read the weights and bring the rows to the CPU; the whole path also reads, decodes, tokenises, and writes.
    SigLIP base is ``--width 768 --layers 12 --items 20000``, for a GPU.

    Args:
        items: of the shop, each with a text and a JPEG of 256 pixels (256; smallest 8).
        width: of the towers (256; smallest 32).
        layers: of the towers (4; smallest 1).
        pixels: that the model sees, on each side (224; smallest 32).
        batch: of the model; by default as the command chooses it.
        workers: processes that prepare; by default as the command chooses them.
    """

    items: int = sized(256, 8)
    width: int = sized(256, 32)
    layers: int = sized(4, 1)
    pixels: int = sized(224, 32)
    batch: int | None = None
    workers: int | None = None


def measure(options: EncodersOptions, rates: Rates) -> Iterator[Row]:
    """Rows of either tower, with the share of the forward pass's speed that the whole path has."""
    with tempfile.TemporaryDirectory() as name:
        model, shop = Path(name) / "model", Path(name) / "shop"
        _make_shop(shop, options.items)
        _make_model(model, options)
        for modality in MODALITIES:
            yield from _rows(find_model(str(model)), shop, modality, options)


def _rows(source: Source, shop: Path, modality: Modality, options: EncodersOptions) -> Iterator[Row]:
    space = open_space(source)
    batch = options.batch or batch_for(space, modality, options.where)
    workers = workers_for([options.where]) if options.workers is None else options.workers
    shards = Shards(shop / "features" / f"{modality}.safetensors", options.items, 4096, {})
    task = Task(source, shop, modality, shards, batch, workers)
    prepared = list(ShardBatches(shop, modality, space, shards.missing(), shards.size, batch))

    def forward() -> None:
        tower = Tower(space, modality, options.where)
        torch.cat([tower(part.inputs) for part in prepared if part.inputs]).cpu()

    def whole() -> None:
        shutil.rmtree(shards.folder, ignore_errors=True)
        run(task, [options.where])

    works: dict[str, Work] = {"forward pass alone": forward, "whole path": whole}
    measured = compare(works, options.repeats, options.where)
    best = measured["forward pass alone"].median
    for work, one in measured.items():
        told = {"tower": modality, "work": work, "batch": batch, "workers": workers, **one.row()}
        yield {**told, "items/s": options.items / one.median, "share": best / one.median}


def _make_shop(folder: Path, items: int) -> None:
    """Texts of about forty words, and pictures as smooth as photographs."""
    (folder / "images").mkdir(parents=True)
    rng, words = np.random.default_rng(0), _words()
    with (folder / "item.jsonl").open("wb") as entries, (folder / "item2id.jsonl").open("wb") as ids:
        for number in range(1, items + 1):
            coarse = Image.fromarray(rng.integers(0, 255, (24, 24, 3), dtype=np.uint8))
            coarse.resize((256, 256), Image.Resampling.BICUBIC).save(folder / f"images/{number}.jpg", quality=90)
            text = " ".join(rng.choice(words, rng.integers(20, 60)))
            entry = {"item": str(number), "title": "", "text": text, "image": f"images/{number}.jpg"}
            entries.write(orjson.dumps(entry) + b"\n")
            ids.write(orjson.dumps([str(number), number]) + b"\n")


def _words() -> list[str]:
    rng = np.random.default_rng(1)
    return ["".join(rng.choice(list("abcdefghijklmnoprstuvw"), rng.integers(2, 9))) for _ in range(5000)]


def _make_model(folder: Path, options: EncodersOptions) -> None:
    import sentencepiece
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel, SiglipTokenizer

    folder.mkdir()
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_words()),
        model_writer=out,
        vocab_size=VOCABULARY,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
    )
    (folder / "spiece.model").write_bytes(out.getvalue())
    SiglipTokenizer(str(folder / "spiece.model")).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": options.pixels, "width": options.pixels}).save_pretrained(folder)
    tower = {
        "hidden_size": options.width,
        "intermediate_size": 4 * options.width,
        "num_hidden_layers": options.layers,
        "num_attention_heads": max(1, options.width // 64),
    }
    text = {**tower, "vocab_size": VOCABULARY, "projection_size": options.width}
    vision = {**tower, "image_size": options.pixels, "patch_size": 16}
    SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).save_pretrained(folder)


if __name__ == "__main__":
    main("encoders", EncodersOptions, measure)
