"""Checkpoints say what they are, hold no feature tables, and a wrong or hostile file is refused, not executed."""

import io
import os
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from model import SequenceModel, WindowMMM4Rec
from tests.trainer.tiny import ITEMS, make_data, make_module, make_trainer, write_domain
from trainer.checkpoint import (
    RECORD,
    build_system,
    load_plain,
    read_checkpoint,
    record_differences,
    system_weights,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*exists and is not empty")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, SequenceModel]:
    """A domain, a checkpoint of one epoch on it, and the system as it was then."""
    folder = tmp_path_factory.mktemp("trained")
    domain = write_domain(folder / "Tiny")
    save, module = ModelCheckpoint(folder, filename="best", monitor="val/ndcg@5", mode="max"), make_module()
    make_trainer(folder, save, epochs=1).fit(module, datamodule=make_data(domain))
    return domain, folder / "best.ckpt", module.system.eval()


def test_a_checkpoint_alone_builds_the_system_again(trained: tuple[Path, Path, SequenceModel]) -> None:
    domain, path, system = trained
    checkpoint = read_checkpoint(path)
    again, data = build_system(checkpoint), make_data(domain)
    assert isinstance(again, WindowMMM4Rec) and again.arguments == checkpoint[RECORD]["arguments"]
    data.setup("fit")
    again.bind(data.n_items, data.features, data.present)
    again.load_state_dict(system_weights(checkpoint))
    batch = next(iter(data.test_dataloader()))
    inputs = (batch.items, batch.lengths, batch.timestamps)
    assert torch.equal(again.eval().score(*inputs), system.score(*inputs))


def test_the_record_names_system_catalogue_and_features(trained: tuple[Path, Path, SequenceModel]) -> None:
    domain, path, _ = trained
    record = read_checkpoint(path)[RECORD]
    assert record["system"] == "WindowMMM4Rec" and record["domain"] == str(domain.resolve())
    assert record["items"] == [f"item{i}" for i in range(ITEMS)] and record["window"] == 6
    assert record["features"]["text"] == {"encoder": "random", "options": {"seed": 7}}


def test_it_holds_no_feature_tables(trained: tuple[Path, Path, SequenceModel]) -> None:
    domain, path, _ = trained
    data = make_data(domain)
    data.setup("fit")
    checkpoint = read_checkpoint(path)
    assert not [name for name in checkpoint["state_dict"] if "features" in name or "present" in name]
    shapes = {tuple(table.shape) for table in data.features.values()}
    shapes |= {(rows + 1, width) for rows, width in shapes}
    tensors: list[torch.Tensor] = []
    collect(checkpoint, tensors)
    assert len(tensors) > 100, "weights and the optimizer's state"
    assert not [tensor.shape for tensor in tensors if tuple(tensor.shape) in shapes]


def collect(value: Any, found: list[torch.Tensor]) -> None:
    if isinstance(value, torch.Tensor):
        found.append(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        collect(inner, found)


# -- checkpoints that do not fit ----------------------------------------------------------------------


class Another(WindowMMM4Rec):
    """Another system with the same tensors."""


def fit_from(path: Path, domain: Path, folder: Path, module: Any) -> None:
    make_trainer(folder).fit(module, datamodule=make_data(domain), ckpt_path=path, weights_only=True)


def test_another_catalogue_is_refused(trained: tuple[Path, Path, SequenceModel], tmp_path: Path) -> None:
    _, path, _ = trained
    other = write_domain(tmp_path / "Other", prefix="other")
    with pytest.raises(ValueError, match=r"catalogue \(12 items of .*Tiny\) is not that of .*Other .*--backbone"):
        fit_from(path, other, tmp_path, make_module())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": 16}, r"tensors differ, first .*in the checkpoint.* here"),
        ({"layers": 2}, r"layers\.1.*absent in the checkpoint"),
        ({"time": False}, r"absent here"),
    ],
    ids=str,
)
def test_other_sizes_are_refused(
    trained: tuple[Path, Path, SequenceModel], tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    domain, path, _ = trained
    with pytest.raises(ValueError, match=message):
        fit_from(path, domain, tmp_path, make_module(**options))


def test_another_system_is_refused(trained: tuple[Path, Path, SequenceModel], tmp_path: Path) -> None:
    domain, path, _ = trained
    module = make_module()
    module.system.__class__ = Another
    with pytest.raises(ValueError, match="of WindowMMM4Rec, the config's model is Another"):
        fit_from(path, domain, tmp_path, module)


def test_a_system_that_this_version_lacks_is_refused(trained: tuple[Path, Path, SequenceModel]) -> None:
    checkpoint = read_checkpoint(trained[1])
    for name in ("NextYears", "SequenceModel", "__builtins__"):
        with pytest.raises(ValueError, match="take a newer Tributary"):
            build_system({RECORD: checkpoint[RECORD] | {"system": name}})


def test_features_made_otherwise_are_told(trained: tuple[Path, Path, SequenceModel]) -> None:
    domain, path, system = trained
    data = make_data(domain)
    data.setup("fit")
    checkpoint = read_checkpoint(path)
    assert record_differences(checkpoint, system, data) == []
    data.encoders["text"] = {"encoder": "siglip", "options": {}}
    (difference,) = record_differences(checkpoint, system, data)
    assert "text" in difference and "siglip" in difference and "random" in difference


# -- files that are no checkpoints --------------------------------------------------------------------


class Bomb:
    """Unpickled, it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("form", ["pickle", "torch", "torch_legacy"])
def test_a_pickle_bomb_is_refused_and_not_executed(tmp_path: Path, form: str) -> None:
    path, sign = tmp_path / "bomb.ckpt", tmp_path / "executed"
    content = {RECORD: {"system": "WindowMMM4Rec"}, "state_dict": {"x": Bomb(sign)}}
    if form == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "torch")
    with pytest.raises(ValueError, match=r"bomb\.ckpt: not a checkpoint of tensors and plain values"):
        read_checkpoint(path)
    assert not sign.exists()
    pickle.loads(pickle.dumps(Bomb(sign)))
    assert sign.is_dir(), "the bomb works where it is let"


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.ckpt", tmp_path):
        with pytest.raises(ValueError, match="there is no such checkpoint"):
            read_checkpoint(path)


def test_a_foreign_checkpoint_is_told_the_way(tmp_path: Path) -> None:
    torch.save({"model": {"w": torch.zeros(2)}}, tmp_path / "published.ckpt")
    with pytest.raises(ValueError, match=r"no 'tributary' record.*trainer\.convert"):
        read_checkpoint(tmp_path / "published.ckpt")
    torch.save({RECORD: {"format": 2}}, tmp_path / "newer.ckpt")
    with pytest.raises(ValueError, match=r"newer\.ckpt.*not of format 1"):
        read_checkpoint(tmp_path / "newer.ckpt")
    torch.save([1, 2], tmp_path / "list.ckpt")
    with pytest.raises(ValueError, match="holds a list, not a dict"):
        load_plain(tmp_path / "list.ckpt")


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80", b"no checkpoint\n", b"PK\x03\x04rest", b"{}", b"\x80\x02}q\x00.", b"\x00" * 400, b"cos\nsystem\n."],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.ckpt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.ckpt"):
        read_checkpoint(path)


def test_a_damaged_file_is_refused_or_read_never_worse(
    trained: tuple[Path, Path, SequenceModel], tmp_path: Path
) -> None:
    """Cut off, or with bytes turned over anywhere: a ValueError, or, where only numbers changed, a checkpoint."""
    whole, path = trained[1].read_bytes(), tmp_path / "damaged.ckpt"
    for size in (1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"damaged\.ckpt"):
            read_checkpoint(path)
    dice = random.Random(0)
    for _ in range(60):
        turned = bytearray(whole)
        start = dice.choice([0, len(turned) - 3000, dice.randrange(len(turned) - 400)])
        for _ in range(5):
            turned[start + dice.randrange(400)] ^= 1 << dice.randrange(8)
        path.write_bytes(bytes(turned))
        try:
            read_checkpoint(path)
        except ValueError as error:
            assert "damaged.ckpt" in str(error)


def test_a_damaged_pickle_is_refused(tmp_path: Path) -> None:
    """The pickle inside, turned over byte by byte: whatever torch raises, it is a ValueError that names the file."""
    buffer = io.BytesIO()
    torch.save(
        {RECORD: {"format": 1, "a": [1, 2.5, "x"]}, "w": torch.zeros(2)}, buffer, _use_new_zipfile_serialization=False
    )
    whole, path = buffer.getvalue(), tmp_path / "damaged.ckpt"
    dice = random.Random(1)
    for place in range(0, len(whole), 3):
        turned = bytearray(whole)
        turned[place] ^= 1 << dice.randrange(8)
        path.write_bytes(bytes(turned))
        try:
            read_checkpoint(path)
        except ValueError as error:
            assert "damaged.ckpt" in str(error)
