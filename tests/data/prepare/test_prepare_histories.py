from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.parts import part_files, read_parts
from data.prepare.histories import HistoryWriter, Layout, Split, by_user
from tests.data.history_blocks import block


def read(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def parts(folder: Path) -> list[Any]:
    found = []
    for rows in read_parts(part_files(folder), 99):
        pairs = list(map(list, zip(rows.items.tolist(), rows.timestamps.tolist(), strict=True)))
        spans = pairwise(rows.offsets.tolist())
        found += [[user, pairs[a:b]] for user, (a, b) in zip(rows.users.tolist(), spans, strict=True)]
    return found


@pytest.mark.parametrize("split", get_args(Split))
@pytest.mark.parametrize("layout", get_args(Layout))
@pytest.mark.parametrize("cut", [1, 3, 5])
def test_every_length(tmp_path: Path, layout: Layout, split: Split, cut: int) -> None:
    histories = [[[10 + i, 100 + i] for i in range(length)] for length in range(1, 6)]
    with HistoryWriter(tmp_path, layout, split) as writer:
        writer.write(block(dict(list(enumerate(histories))[:cut])))
        writer.write(block(dict(list(enumerate(histories))[cut:])))
    held_out = 2 if split == "leave_one_out" else 0
    numbered = [[user, history] for user, history in enumerate(histories)]
    train = [[u, h[:n]] for u, h in numbered for n in range(2, len(h) - held_out + 1)]
    expected = {}
    if layout in ("compact", "both"):
        expected["histories.jsonl"] = numbered
    if layout in ("published", "both"):
        expected["train_seq.jsonl"] = train
        if split == "leave_one_out":
            expected["eval_seq.jsonl"] = [[u, h[:-1]] for u, h in numbered if len(h) > 2]
            expected["test_seq.jsonl"] = numbered
    assert {path.name: read(path) for path in tmp_path.iterdir() if path.is_file()} == expected
    assert parts(tmp_path) == (numbered if layout == "parquet" else [])
    assert (writer.users, writer.interactions, writer.repeat_rate) == (5, 15, 0.0)


def test_repeats_are_counted_within_a_user(tmp_path: Path) -> None:
    with HistoryWriter(tmp_path, "compact", "pretrain") as writer:
        writer.write(block({3: [(7, 1), (8, 1), (7, 2)], 4: [(7, 3), (8, 3)]}))
        writer.write(block({5: [(7, 1), (7, 1), (7, 1)]}))
    assert (writer.repeats, writer.interactions) == (3, 8)


@given(st.lists(st.integers(0, 4), max_size=30).map(sorted), st.integers(1, 9))
def test_batches_cut_anywhere(users: list[int], size: int) -> None:
    columns = {"user_id": users, "item_id": range(len(users)), "timestamp": range(len(users))}
    table = pa.table({name: pa.array(values, pa.int64()) for name, values in columns.items()})
    found = list(by_user(table.to_batches(max_chunksize=size)))
    assert [user for rows in found for user in rows.users.tolist()] == sorted(set(users)), "a user is never cut"
    assert [user for rows in found for user in rows.users.repeat(rows.lengths).tolist()] == users
    assert [item for rows in found for item in rows.items.tolist()] == list(range(len(users)))
    assert [line for rows in found for line in rows.lines.tolist()] == list(range(1, len(set(users)) + 1))
