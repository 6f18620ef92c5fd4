import json
from pathlib import Path

import numpy as np
import pytest
import torch

from data.features.pretrained.batches import ShardBatches
from data.features.pretrained.devices import CPU_BATCH, batch_for, workers_for
from data.features.pretrained.shards import Shards, remove_shards
from data.features.pretrained.tower import Tower

CPU = torch.device("cpu")


def part(rows: int, value: float = 1.0):
    return np.full((rows, 2), value, np.float32), np.ones(rows, bool), {"truncated": rows}


@pytest.fixture
def shards(tmp_path) -> Shards:
    return Shards(tmp_path / "text.safetensors", items=7, size=3, identity={"encoder": "x"})


def test_parts_come_together_in_order(shards):
    assert shards.missing() == [0, 1, 2]
    shards.write(2, *part(1, 3.0))
    shards.write(0, *part(3, 1.0))
    assert shards.missing() == [1]
    with pytest.raises(ValueError, match=r"000001\.safetensors: no such file"):
        shards.gather()
    shards.write(1, *part(3, 2.0))
    values, present, counts = shards.gather()
    assert values[:, 0].tolist() == [1, 1, 1, 2, 2, 2, 3] and present.all() and counts == {"truncated": 7}


def test_parts_made_in_another_way_are_not_taken(shards, tmp_path):
    shards.write(0, *part(3))
    for other in ({"items": 8}, {"size": 4}, {"identity": {"encoder": "y"}}):
        again = Shards(**({"path": shards.path, "items": 7, "size": 3, "identity": {"encoder": "x"}} | other))
        assert 0 in again.missing()
    images = Shards(tmp_path / "image.safetensors", 7, 3, {"encoder": "x"})
    images.write(0, *part(3))
    (shards.folder / ".x.part").write_bytes(b"half")
    again.write(0, *part(3))
    shards.clear_others()
    assert not again.folder.exists() and [path.name for path in shards.folder.iterdir()] == ["000000.safetensors"]
    remove_shards(shards.path)
    assert not shards.folder.exists() and images.missing() == [1, 2]


def test_a_part_of_another_shape_is_told(shards):
    for number in range(3):
        shards.write(number, *part(3))
    with pytest.raises(ValueError, match=r"000002.*has the shape \(3, 2\), not \(1, 2\)"):
        shards.gather()


class Words:
    """In place of a model: as many inputs as words."""

    modalities = ("text",)

    @property
    def texts(self):
        return lambda texts: ({"words": torch.tensor([len(text.split()) for text in texts])}, 0)


def domain(folder: Path, texts: list[str]) -> Path:
    rows = [{"item": f"I{n}", "title": "", "text": text, "image": None} for n, text in enumerate(texts, 1)]
    (folder / "item.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "item2id.jsonl").write_text("".join(json.dumps([row["item"], n]) + "\n" for n, row in enumerate(rows, 1)))
    return folder


def test_batches_hold_texts_of_a_length_and_end_each_shard(tmp_path):
    folder = domain(tmp_path, ["a", "a b c", "", "a b", "", " ", "a b c d"])
    batches = list(ShardBatches(folder, "text", Words(), [0, 1, 2], size=3, batch=2))  # type: ignore[arg-type]
    assert [(b.shard, b.items, b.rows.tolist(), b.last) for b in batches] == [
        (0, 3, [1, 0], True),
        (1, 3, [0], True),
        (2, 1, [0], True),
    ]
    assert batches[0].inputs["words"].tolist() == [3, 1]
    small = ShardBatches(folder, "text", Words(), [0], size=7, batch=2)  # type: ignore[arg-type]
    assert [(b.rows.tolist(), b.last) for b in small] == [([6, 1], False), ([3, 0], True)]
    (empty,) = ShardBatches(domain(tmp_path, ["", ""]), "text", Words(), [0], 4, 2)  # type: ignore[arg-type]
    assert empty.last and not empty.inputs and empty.items == 2


def test_too_large_a_batch_is_halved_and_one_item_that_does_not_fit_is_told():
    tower = Tower.__new__(Tower)
    seen = []

    class Space:
        def rows(self, model, modality, inputs):
            seen.append(len(inputs["x"]))
            if len(inputs["x"]) > limit:
                raise torch.OutOfMemoryError
            return inputs["x"][:, None].float()

    tower._space, tower._model, tower._modality, tower.device = Space(), None, "text", CPU  # type: ignore[assignment]
    limit = 2
    assert tower({"x": torch.arange(7)})[:, 0].tolist() == list(range(7))
    assert seen == [7, 3, 1, 2, 4, 2, 2]
    limit = 0
    with pytest.raises(ValueError, match="no memory for one item"):
        tower({"x": torch.arange(3)})


def test_a_gpus_batch_goes_by_its_memory(monkeypatch):
    class Space:
        def largest(self, modality):
            return 196, 3072

    gpu = torch.device("cuda", 0)
    for gib, wanted in [(80, 512), (4, 128), (0.001, 1)]:
        monkeypatch.setattr("torch.cuda.mem_get_info", lambda _, gib=gib: (int(gib * 2**30), 0))
        assert batch_for(Space(), "image", gpu) == wanted  # type: ignore[arg-type]
    assert batch_for(Space(), "image", CPU) == CPU_BATCH  # type: ignore[arg-type]
    monkeypatch.setattr("os.cpu_count", lambda: 12)
    assert (workers_for([CPU]), workers_for([gpu]), workers_for([gpu] * 4), workers_for([gpu] * 24)) == (1, 12, 3, 1)
