"""The LightningDataModule on a small domain folder."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import torch

from data.datamodule import DomainData
from data.features.table import FeatureTable, write_table
from data.prepare.histories import HistoryWriter, Layout, Split
from tests.data.history_blocks import block

ITEMS = ["A", "B", "C", "D"]
HISTORIES = [[1, 2, 3, 4, 1], [2, 3, 1], [4, 4], [3]]


def make(
    folder: Path,
    histories: list[list[int]] = HISTORIES,
    layout: Layout = "compact",
    split: Split = "leave_one_out",
    modalities: tuple[str, ...] = ("text", "image"),
) -> Path:
    folder.mkdir(parents=True)
    rows = [orjson.dumps([item, number]) for number, item in enumerate(ITEMS, 1)]
    (folder / "item2id.jsonl").write_bytes(b"\n".join(rows))
    with HistoryWriter(folder, layout, split) as writer:
        writer.write(block({user: list(zip(items, range(99), strict=False)) for user, items in enumerate(histories)}))
    for modality in modalities:
        write_table(folder / "features" / f"{modality}.safetensors", table(ITEMS))
    return folder


def table(items: list[str]) -> FeatureTable:
    values = np.arange(3 * len(items), dtype=np.float32).reshape(-1, 3)
    present = np.arange(len(items)) != 1
    return FeatureTable(items, values, present, "classic", {"dim": 3})


def ready(folder: Path, stage: str = "fit", **options: Any) -> DomainData:
    module = DomainData(folder, **options)
    module.setup(stage)
    return module


def targets(batches: Any) -> list[list[int]]:
    return [batch.targets.tolist() for batch in batches]


def test_batches_of_each_stage(tmp_path: Path) -> None:
    module = ready(make(tmp_path / "Tea"), window=2, batch_size=1, eval_batch_size=2)
    assert module.n_items == 4
    assert sorted(targets(module.train_dataloader())) == [[2], [3]]
    assert targets(module.val_dataloader()) == [[4, 3]], "users whose history would be empty are left out"
    assert targets(module.test_dataloader()) == [[1, 1], [4]]
    (batch,) = module.val_dataloader()
    assert batch.items.tolist() == [[2, 3], [2, 0]] and batch.seen.tolist() == [[1, 2, 3], [2, 0, 0]]


def test_features_come_with_what_is_missing(tmp_path: Path) -> None:
    module = ready(make(tmp_path / "Tea"), modalities=["text"])
    assert list(module.features) == ["text"] and module.features["text"].shape == (4, 3)
    assert module.present["text"].tolist() == [True, False, True, True]
    assert module.features["text"][1].tolist() == [0, 0, 0] and module.features["text"].dtype == torch.float32
    assert module.encoders == {"text": {"encoder": "classic", "options": {"dim": 3}}}


@pytest.mark.parametrize(
    ("holdout", "counts"), [("leave_one_out", (2, 2, 3)), ("last", (4, 3, None)), ("none", (7, None, None))]
)
def test_holdouts(tmp_path: Path, holdout: str, counts: tuple[int | None, ...]) -> None:
    module = ready(make(tmp_path / "Tea"), holdout=holdout)
    loaders = (module.train_dataloader(), module.val_dataloader(), module.test_dataloader())
    assert [None if loader == [] else sum(len(b.targets) for b in loader) for loader in loaders] == [*counts]


def test_seed_and_epoch_order_the_training(tmp_path: Path) -> None:
    folder = make(tmp_path / "Tea", [[1, 2, 3, 4] * 8])
    one, same, other = (targets(ready(folder, batch_size=4, seed=n).train_dataloader()) for n in (1, 1, 2))
    assert one == same != other
    loader = ready(folder, batch_size=4, seed=1).train_dataloader()
    loader.order.set_epoch(1)
    assert targets(loader) != one


def test_validation_on_some_users(tmp_path: Path) -> None:
    module = ready(make(tmp_path / "Tea", [[1, 2, 3, 4]] * 9), val_users=4)
    assert [len(batch.targets) for batch in module.val_dataloader()] == [4]
    assert [len(batch.targets) for batch in module.test_dataloader()] == [9]


@pytest.mark.parametrize("size", ["window", "batch_size", "eval_batch_size", "val_users"])
def test_sizes_below_one_are_refused(tmp_path: Path, size: str) -> None:
    with pytest.raises(ValueError, match=f"data.{size}.* from 1"):
        DomainData(make(tmp_path / "Tea"), **{size: 0})  # type: ignore[arg-type]


def test_missing_domain_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no such domain folder.*prepare\.py domain.*item2id\.jsonl.*text_feat\.pth"):
        DomainData(tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())


def test_missing_features(tmp_path: Path) -> None:
    folder = make(tmp_path / "Tea", modalities=("text",))
    module = DomainData(folder)
    what = r"Tea: has neither features/image\.safetensors nor image_feat\.pth\. Extract them .*leave image out"
    for _ in range(2):
        with pytest.raises(ValueError, match=what):
            module.setup("fit")  # the second try is told the same
    assert ready(folder, modalities=["text"]).n_items == 4
    assert ready(folder, modalities=[]).features == {}


def test_features_of_another_catalogue(tmp_path: Path) -> None:
    folder = make(tmp_path / "Tea")
    write_table(folder / "features/image.safetensors", table(["A", "C", "B", "D"]))
    with pytest.raises(ValueError, match=r"image\.safetensors: row 1 is item 'C', but item id 2 is 'B'"):
        ready(folder)
    write_table(folder / "features/image.safetensors", table([*ITEMS, "E"]))
    with pytest.raises(ValueError, match=r"image\.safetensors: has 5 items, the domain has 4"):
        ready(folder)


def test_published_features_are_counted(tmp_path: Path) -> None:
    folder = make(tmp_path / "Tea", modalities=())
    for modality in ("text", "image"):
        torch.save(torch.ones(3 if modality == "image" else 4, 2), folder / f"{modality}_feat.pth")
    with pytest.raises(ValueError, match=r"image_feat\.pth: has 3 rows, item2id\.jsonl has 4 items"):
        ready(folder)


def test_pretraining_domain_holds_nothing_out_for_a_test(tmp_path: Path) -> None:
    folder = make(tmp_path / "Merged", layout="published", split="pretrain")
    with pytest.raises(ValueError, match=r"is a pretraining domain.*Set data\.holdout to last or none"):
        ready(folder)
    assert sum(len(batch.targets) for batch in ready(folder, holdout="none").train_dataloader()) == 7


def test_nothing_to_train_on(tmp_path: Path) -> None:
    folder = make(tmp_path / "Tea", [[1, 2, 3], [4, 1], [3]])
    with pytest.raises(ValueError, match="no history is long enough to train on"):
        ready(folder)
    assert targets(ready(folder, "test").test_dataloader()) == [[3, 1]], "but to test on"


def test_store_elsewhere(tmp_path: Path) -> None:
    folder = make(tmp_path / "Tea")
    ready(folder, store=tmp_path / "kept")
    assert (tmp_path / "kept/store.json").is_file() and not (folder / "store").exists()


def test_setup_twice_keeps_what_is_open(tmp_path: Path) -> None:
    module = ready(make(tmp_path / "Tea"))
    store = module.store
    module.setup("test")
    assert module.store is store
