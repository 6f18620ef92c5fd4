"""Whole training histories: each once, in full, nothing held out in them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from data.targets import HELD, Holdout
from data.whole_histories import WholeHistories
from tests.trainer.tiny import draw_histories, make_data, write_domain


@pytest.fixture
def domain(tmp_path: Path) -> Path:
    return write_domain(tmp_path / "Tiny")


def read(domain: Path, holdout: Holdout, workers: int = 0) -> list[list[list[int]]]:
    """``[[item, time], …]`` a history, in the order of the batches."""
    data = make_data(domain, positions="whole", holdout=holdout, window=1, batch_size=7, num_workers=workers)
    data.setup("fit")
    found = []
    for batch in data.train_dataloader():
        assert batch.targets.shape == batch.seen.shape == (len(batch.items), 0)
        for items, times, length in zip(batch.items, batch.timestamps, batch.lengths, strict=True):
            assert not items[length:].any() and not times[length:].any()
            found.append(torch.stack([items[:length], times[:length]], dim=1).tolist())
    return found


@pytest.mark.parametrize("holdout", ["leave_one_out", "last", "none"])
def test_each_history_comes_once_and_whole(domain: Path, holdout: Holdout) -> None:
    kept = [history[: len(history) - HELD[holdout]] for history in draw_histories()]
    found = read(domain, holdout)
    assert sorted(found) == sorted(history for history in kept if history)
    assert found != kept, "they are shuffled"
    assert read(domain, holdout, workers=2) == found


def test_a_history_of_one_event_is_one(tmp_path: Path) -> None:
    data = make_data(write_domain(tmp_path / "Short", [[[1, 5], [2, 6], [3, 7]], [[i, i] for i in range(1, 9)]]))
    data.setup("fit")
    rows = WholeHistories(data.store, "leave_one_out")
    assert len(rows) == 2 and rows[0].items.tolist() == [[1]]
    assert rows.__getitems__(np.array([1, 0])).items.tolist() == [[1, 2, 3, 4, 5, 6], [1, 0, 0, 0, 0, 0]]
