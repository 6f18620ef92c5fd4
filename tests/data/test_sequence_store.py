"""The store is the same whichever layout it is made from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import build_store
from data.build_store import open_store
from data.prepare.histories import HistoryWriter, Layout, Split
from data.rows import read_rows
from data.store import SequenceStore, StoreWriter
from tests.data.history_blocks import block

Histories = dict[int, list[tuple[int, int]]]
SOME: Histories = {
    0: [(1, 5), (2, 5), (1, 7), (3, 9), (2, 9)],
    1: [(3, 1)],
    2: [(2, 0), (2, 0)],
    5: [(4, 3), (1, 4), (2, 8)],
    3: [(4, 1), (3, 2), (2, 3), (1, 4)],
}
EVENT = st.tuples(st.integers(1, 4), st.integers(0, 3))
IN_TIME = st.lists(EVENT, min_size=1, max_size=7).map(lambda history: sorted(history, key=lambda event: event[1]))
ANY = st.dictionaries(st.integers(0, 9), IN_TIME, min_size=1)


def write(folder: Path, histories: Histories, layout: Layout, split: Split = "leave_one_out") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with HistoryWriter(folder, layout, split) as writer:
        writer.write(block(histories))
    return folder


def content(store: SequenceStore) -> Histories:
    events = list(zip(store.items.tolist(), store.timestamps.tolist(), strict=True))
    spans = zip(store.offsets[:-1].tolist(), store.offsets[1:].tolist(), strict=True)
    return {user: events[a:b] for user, (a, b) in zip(store.users.tolist(), spans, strict=True)}


def column_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.bin"))}


@pytest.fixture(params=[1, 3, 1 << 18])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    def small(path: Path, n_items: int) -> Any:
        return read_rows(path, n_items, request.param)

    monkeypatch.setattr(build_store, "read_rows", small)
    monkeypatch.setattr("data.prefixes.read_rows", small)
    return int(request.param)


@pytest.mark.parametrize("layout", ["compact", "published", "both"])
def test_every_layout_gives_the_histories(tmp_path: Path, layout: Layout, size: int) -> None:
    store = open_store(write(tmp_path / layout, SOME, layout), 4)
    assert content(store) == SOME and list(content(store)) == list(SOME), "in the order of the file"
    assert store.split == "leave_one_out" and len(store) == 5
    assert store.lengths.tolist() == [5, 1, 2, 3, 4]


def test_layouts_give_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for layout in ("compact", "published", "both"):
        open_store(write(tmp_path / layout, SOME, layout), 4)
        made.append(column_bytes(tmp_path / layout / "store"))
    assert made[0] == made[1] == made[2] and len(made[0]) == 4


def test_pretraining_prefixes_give_the_histories(tmp_path: Path, size: int) -> None:
    store = open_store(write(tmp_path, SOME, "published", "pretrain"), 4)
    assert content(store) == {user: pairs for user, pairs in SOME.items() if len(pairs) > 1}
    assert store.split == "pretrain"


@settings(deadline=None, max_examples=25)
@given(histories=ANY)
def test_any_histories(tmp_path_factory: pytest.TempPathFactory, histories: Histories) -> None:
    root = tmp_path_factory.mktemp("any")
    assert content(open_store(write(root / "one", histories, "compact"), 4)) == histories
    assert content(open_store(write(root / "three", histories, "published"), 4)) == histories
    if any(len(pairs) > 1 for pairs in histories.values()):
        pretrain = open_store(write(root / "pre", histories, "published", "pretrain"), 4)
        assert content(pretrain) == {user: pairs for user, pairs in histories.items() if len(pairs) > 1}


@pytest.mark.parametrize(("split", "expected"), [("pretrain", "pretrain"), ("leave_one_out", "leave_one_out")])
def test_split_of_a_compact_domain_is_in_its_manifest(tmp_path: Path, split: str, expected: str) -> None:
    write(tmp_path, SOME, "compact")
    (tmp_path / "manifest.json").write_text(f'{{"split": "{split}"}}')
    assert open_store(tmp_path, 4).split == expected


def test_columns_are_mapped_and_read_only(tmp_path: Path) -> None:
    store = open_store(write(tmp_path, SOME, "compact"), 4)
    assert isinstance(store.items, np.memmap) and isinstance(store.timestamps, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        store.items[0] = 1


def test_blocks_are_appended(tmp_path: Path) -> None:
    path = write(tmp_path / "domain", SOME, "compact") / "histories.jsonl"
    (tmp_path / "store").mkdir()
    writer = StoreWriter(tmp_path / "store")
    for rows in read_rows(path, 4, 1):
        writer.append(rows)
    writer.close("leave_one_out", {}, {})
    assert content(SequenceStore.open(tmp_path / "store")) == SOME


def test_empty_store_opens(tmp_path: Path) -> None:
    StoreWriter(tmp_path).close("leave_one_out", {}, {})
    assert len(SequenceStore.open(tmp_path)) == 0
