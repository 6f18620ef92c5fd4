"""Parquet parts: the same bytes however blocks arrive, and nothing missing or damaged goes unnoticed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.build_store import open_store
from data.parts import LAST, part_files, parts_schema
from data.prepare.histories import HistoryWriter
from data.prepare.parts import Parts
from tests.data.history_blocks import block

LENGTHS = [3, 1, 9, 2, 2, 1, 4, 5, 1, 1, 6]
HISTORIES = {user: [(1 + (user + i) % 4, 10 * i) for i in range(length)] for user, length in enumerate(LENGTHS)}


def write(folder: Path, group: int, cuts: list[int]) -> dict[str, bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    parts, users = Parts(folder, group), list(HISTORIES.items())
    for first, end in zip([0, *cuts], [*cuts, len(users)], strict=True):
        parts.write(block(dict(users[first:end])))
    parts.close()
    return {path.name: path.read_bytes() for path in part_files(folder)}


@settings(deadline=None, max_examples=15)
@given(group=st.integers(1, 12), cuts=st.lists(st.integers(0, len(LENGTHS)), max_size=4).map(sorted))
def test_same_bytes_however_blocks_are_cut(
    tmp_path_factory: pytest.TempPathFactory, group: int, cuts: list[int]
) -> None:
    root = tmp_path_factory.mktemp("parts")
    assert write(root / "a", group, []) == write(root / "b", group, cuts)


@pytest.mark.parametrize(("group", "parts"), [(1, 3), (3, 2), (100, 1)])
def test_store_is_that_of_the_compact_file(tmp_path: Path, group: int, parts: int) -> None:
    assert len(write(tmp_path / "parts", group, [])) == parts
    (tmp_path / "lines").mkdir()
    with HistoryWriter(tmp_path / "lines", "compact", "leave_one_out") as writer:
        writer.write(block(HISTORIES))
    made = [open_store(tmp_path / name, 4) and tmp_path / name / "store" for name in ("parts", "lines")]
    for column in ("users", "offsets", "items", "timestamps"):
        one, other = ((folder / f"{column}.bin").read_bytes() for folder in made)
        assert one == other


def test_changed_part_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, 100, [])
    assert len(open_store(tmp_path, 4)) == len(HISTORIES)
    rewrite(tmp_path, lambda table: table.slice(0, 4))
    assert len(open_store(tmp_path, 4)) == 4


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_missing_part_is_told(tmp_path: Path, gone: int) -> None:
    write(tmp_path, 1, [])
    part_files(tmp_path)[gone].unlink()
    with pytest.raises(ValueError, match=r"part-0000\d\.parquet: parts before or behind it are missing.*Prepare"):
        open_store(tmp_path, 4)


def rewrite(folder: Path, change: Callable[[Any], Any], last: bytes = b"1") -> None:
    (path,) = part_files(folder)
    table = change(pq.read_table(path).replace_schema_metadata())
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({LAST: last})


def row(user: int | None, items: Any, times: Any) -> Callable[[Any], Any]:
    one = pa.table({"user_id": [user], "item_ids": [items], "timestamps": [times]}, schema=parts_schema())
    return lambda table: pa.concat_tables([table, one])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (row(11, [5], [0]), r"parquet:12: an item id is outside 1 … 4"),
        (row(11, [1, 1], [1, 0]), r"parquet:12: timestamps go backwards"),
        (row(11, [1], [-1]), r"parquet:12: a timestamp is negative"),
        (row(10, [1], [0]), r"parquet:12: user ids do not rise"),
        (row(11, [1], [0, 1]), "a history is null, empty, or not as long as its times"),
        (row(11, [], []), "a history is null, empty"),
        (row(11, [None], [1]), "a history is null"),
        (row(None, [1], [1]), "a history is null"),
        (lambda table: table.drop_columns("timestamps"), "its columns are user_id int64, item_ids list"),
    ],
)
def test_bad_rows(tmp_path: Path, change: Callable[[Any], Any], told: str) -> None:
    write(tmp_path, 100, [])
    rewrite(tmp_path, change)
    with pytest.raises(ValueError, match=told):
        open_store(tmp_path, 4)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("keep", [0, 3, -1])
def test_damaged_part(tmp_path: Path, keep: int) -> None:
    write(tmp_path, 100, [])
    (path,) = part_files(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="the Parquet file is damaged"):
        open_store(tmp_path, 4)


def test_long_blocks_are_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.parts._USERS", 3)
    write(tmp_path, 100, [])
    store = open_store(tmp_path, 4)
    assert store.lengths.tolist() == LENGTHS and np.array_equal(store.users, np.arange(len(LENGTHS)))
