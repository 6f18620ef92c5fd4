from pathlib import Path
from typing import Any, get_args

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.prepare.histories import HistoryWriter, Layout, Split, by_user


def read(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("split", get_args(Split))
@pytest.mark.parametrize("layout", get_args(Layout))
def test_every_length(tmp_path: Path, layout: Layout, split: Split) -> None:
    histories = [[[10 + i, 100 + i] for i in range(length)] for length in range(1, 6)]
    with HistoryWriter(tmp_path, layout, split) as writer:
        for user, history in enumerate(histories):
            writer.write(user, np.array(history))
    cut = 2 if split == "leave_one_out" else 0
    numbered = list(enumerate(histories))
    train = [[u, h[:n]] for u, h in numbered for n in range(2, len(h) - cut + 1)]
    expected = {}
    if layout != "published":
        expected["histories.jsonl"] = [[u, h] for u, h in numbered]
    if layout != "compact":
        expected["train_seq.jsonl"] = train
        if split == "leave_one_out":
            expected["eval_seq.jsonl"] = [[u, h[:-1]] for u, h in numbered if len(h) > 2]
            expected["test_seq.jsonl"] = [[u, h] for u, h in numbered]
    assert {path.name: read(path) for path in tmp_path.iterdir()} == expected
    assert (writer.users, writer.interactions, writer.repeat_rate) == (5, 15, 0.0)


@given(st.lists(st.integers(0, 4), max_size=30).map(sorted), st.integers(1, 9))
def test_batches_cut_anywhere(users: list[int], size: int) -> None:
    columns = {"user_id": users, "item_id": range(len(users)), "timestamp": range(len(users))}
    table = pa.table({name: pa.array(values, pa.int64()) for name, values in columns.items()})
    found = list(by_user(table.to_batches(max_chunksize=size)))
    assert [user for user, _ in found] == sorted(set(users))
    assert [user for user, pairs in found for _ in pairs] == users
    assert [i for _, pairs in found for i in pairs[:, 0].tolist()] == list(range(len(users)))
