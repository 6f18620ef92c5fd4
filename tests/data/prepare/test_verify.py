import logging
import sys
from pathlib import Path

import orjson
import pytest
import torch

from data.prepare import merge_domains
from data.prepare.histories import HistoryWriter, Layout
from data.prepare.manifest import Manifest
from data.prepare.verify import PICTURES, count_domain, differing, size_table, verify_domain
from tests.data.history_blocks import block

HISTORIES = {0: [(1, 10), (2, 20), (3, 30)], 1: [(2, 5), (2, 6), (1, 7), (3, 8)]}
SIZES = {"users": 2, "items": 3, "interactions": 7}


def write_domain(folder: Path, layout: Layout, ours: bool = True) -> Path:
    """Two users, three items, the first alone with a picture; ``ours`` has what prepare.py adds."""
    folder.mkdir(parents=True)
    with HistoryWriter(folder, layout, "leave_one_out") as writer:
        writer.write(block(HISTORIES))
    (folder / "item2id.jsonl").write_text('["a", 1]\n["b", 2]\n["c", 3]\n')
    (folder / "user2id.jsonl").write_text('["x", 0]\n["y", 1]\n')
    if ours:
        pictures = {"a": "p.jpg", "b": None, "c": None}
        rows = [{"item": key, "title": "", "text": "", "image": image} for key, image in pictures.items()]
        (folder / "item.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        Manifest(folder.name, "domain", "leave_one_out", {}, {}).write(folder)
    return folder


@pytest.mark.parametrize("layout", ["compact", "published", "both", "parquet"])
def test_every_layout_counts_the_same(layout: Layout, tmp_path: Path) -> None:
    assert count_domain(write_domain(tmp_path / "Shop", layout)) == {**SIZES, PICTURES: 33}


def test_a_published_folder_tells_its_pictures_by_its_features(tmp_path: Path) -> None:
    shop = write_domain(tmp_path / "Shop", "published", ours=False)
    assert count_domain(shop)[PICTURES] == 0
    torch.save(torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]]), shop / "image_feat.pth")
    assert count_domain(shop) == {**SIZES, PICTURES: 67}


def test_a_merged_domain(tmp_path: Path) -> None:
    shops = [write_domain(tmp_path / name, "compact") for name in ("A", "B")]
    for layout in ("compact", "published"):
        merge_domains(shops, tmp_path / layout, layout)
        assert count_domain(tmp_path / layout) == {"users": 4, "items": 6, "interactions": 14, PICTURES: 33}


def test_only_known_sizes_can_differ() -> None:
    counted = {"users": 2, "items": 3, "interactions": 7}
    assert differing(counted, {"users": 2, "items": None, "interactions": 7}) == []
    assert differing(counted, {"users": 1, "items": None, "interactions": 8}) == ["users", "interactions"]
    assert differing(counted, {"users": 0}) == ["users"], "none is a size too"


def test_the_table_says_each_quantity() -> None:
    counted = {"users": 1200, "items": 3, "interactions": 7}
    lines = size_table(counted, {"users": 3500, "items": 3, "interactions": None}).splitlines()
    assert [line.split() for line in lines if "-----" not in line] == [
        ["quantity", "prepared", "published", "difference"],
        ["users", "1,200", "3,500", "-2,300"],
        ["items", "3", "3", "0"],
        ["interactions", "7", "not", "published"],
    ]


def test_agreement_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    verify_domain(write_domain(tmp_path / "Shop", "compact"), users=2, items=3, pictures=33)
    assert "As published." in caplog.messages
    assert "not published" in caplog.text, "of the interactions"


def test_a_difference_is_named_and_exits_1(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(SystemExit) as stopped:
        verify_domain(write_domain(tmp_path / "Shop", "compact"), users=2, items=4, interactions=9)
    assert stopped.value.code == 1
    assert caplog.messages[-1].startswith("Not as published: items, interactions. Usual causes: another k-core")


def test_nothing_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no size to compare it with\. Name .*configs/prepare/"):
        verify_domain(write_domain(tmp_path / "Shop", "compact"))


def test_no_domain(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such domain folder"):
        verify_domain(tmp_path / "Shop", users=2)


def test_the_command_reads_the_shops_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sizes stand in the yaml beside other steps' options; the command line may name another folder."""
    import prepare

    shop = write_domain(tmp_path / "Shop", "compact")
    config = tmp_path / "shop.yaml"
    monkeypatch.setattr(sys, "argv", ["prepare.py", "--config", str(config), "verify", "--domain", str(shop)])

    def verify(users: str) -> None:
        config.write_text(
            f"domain: {{core: 5}}\nverify: {{domain: elsewhere, {users}, items: 3, interactions: null}}\n"
        )
        prepare.main()

    verify("users: 2")
    with pytest.raises(SystemExit) as stopped:
        verify("users: 3")
    assert stopped.value.code == 1
    with pytest.raises(ValueError, match="usres"):
        verify("usres: 2")
