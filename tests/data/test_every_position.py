"""Training rows with a target a position: each target once, behind as much of its history as evaluation gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_batches import store_of
from test_domain_data import make, ready

from data.batches import Batch
from data.every_position import EveryPosition
from data.loader import HistoryLoader
from data.store import SequenceStore
from data.targets import HELD, Holdout, targets_of

HOLDOUTS: list[Holdout] = ["leave_one_out", "last", "none"]


def numbered(lengths: list[int]) -> SequenceStore:
    """Histories so long; event e of the store is item e + 1, at 1000 seconds times that."""
    ends = np.cumsum(lengths, dtype=int).tolist()
    spans = zip([0, *ends[:-1]], ends, strict=True) if ends else []
    return store_of([[(item, 1000 * item) for item in range(a + 1, b + 1)] for a, b in spans])


def around(window: int) -> list[int]:
    """Lengths about where a history becomes one row, two or more, whatever is held out; not in their order."""
    short = [*range(8)]
    long = [multiple * window + more for multiple in (1, 2, 3, 5) for more in range(-1, 5)]
    return [length for pair in zip(short * 3, long, strict=True) for length in pair]


def check(store: SequenceStore, window: int, holdout: Holdout) -> None:
    """Of all rows: what they take as input, what they aim at, and what they leave out."""
    rows = EveryPosition(store, holdout, window)
    aimed: list[int] = []
    begins = {int(end): int(begin) for begin, end in zip(store.offsets[:-1], store.offsets[1:], strict=True)}
    for number in range(0, len(rows), 3):
        batch = rows.__getitems__(np.arange(number, min(number + 3, len(rows))))
        assert all(value.dtype == torch.int64 for value in batch)
        assert batch.items.shape[1] == batch.lengths.max() <= 2 * window
        assert batch.seen.shape == (len(batch.items), 0)
        for items, times, length, targets, _ in zip(*(value.tolist() for value in batch), strict=True):
            assert items == [*range(items[0], items[0] + length), *[0] * (len(items) - length)]
            assert times == [1000 * item for item in items], "a timestamp is its item's"
            assert any(targets), "no row for nothing"
            end = min(end for end in begins if end >= items[0])
            assert items[length - 1] < end - HELD[holdout], "an input is no event held out, nor another user's"
            for at, target in enumerate(targets):
                if target:
                    assert at < length and target == items[at] + 1 <= end - HELD[holdout]
                    position = target - 1 - begins[end]
                    assert at + 1 >= min(position, window), "the context that evaluation gives"
            aimed += [target for target in targets if target]
    targets = targets_of(store, "train", holdout)
    sequence, position = targets.locate(np.arange(len(targets)))
    assert sorted(aimed) == (store.offsets[sequence] + position + 1).tolist(), "each training target once"


@pytest.mark.parametrize("holdout", HOLDOUTS)
@pytest.mark.parametrize("window", [1, 2, 5, 50])
def test_each_target_once_behind_its_context(window: int, holdout: Holdout) -> None:
    check(numbered(around(window)), window, holdout)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 23), max_size=7), st.integers(1, 6), st.sampled_from(HOLDOUTS))
def test_whatever_the_lengths(lengths: list[int], window: int, holdout: Holdout) -> None:
    check(numbered(lengths), window, holdout)


def test_what_a_long_history_becomes() -> None:
    """Eleven events, of which nine train, read at a window of two: rows of four inputs, two steps apart."""
    batch = EveryPosition(numbered([11]), "leave_one_out", 2).__getitems__(np.arange(3))
    assert batch.items.tolist() == [[1, 2, 3, 4], [3, 4, 5, 6], [5, 6, 7, 8]]
    assert batch.targets.tolist() == [[2, 3, 4, 5], [0, 0, 6, 7], [0, 0, 8, 9]]
    assert batch.lengths.tolist() == [4, 4, 4]


def test_a_row_costs_no_more_than_its_events() -> None:
    """Of n events, at most 2n inputs are computed, and a batch is no wider than its longest row."""
    for window in (1, 3, 10):
        rows = EveryPosition(numbered([101]), "none", window)
        assert sum(int(rows[number].lengths) for number in range(len(rows))) <= 2 * 101
    assert EveryPosition(numbered([4]), "none", 1000)[0].items.shape == (1, 3)


@pytest.mark.parametrize("lengths", [[], [0], [1, 0, 1]], ids=str)
def test_nothing_to_train_on(lengths: list[int]) -> None:
    rows = EveryPosition(numbered(lengths), "none", 3)
    assert len(rows) == 0 and list(HistoryLoader(rows, 4, 7, 0)) == []
    with pytest.raises(IndexError):
        rows[0]


# -- through the loader -------------------------------------------------------------------------------

Told = list[list[list[list[int]]]]


def loader(workers: int = 0) -> HistoryLoader:
    return HistoryLoader(EveryPosition(numbered(around(5)), "leave_one_out", 5), 4, 7, workers)


def epoch(batches: HistoryLoader, number: int) -> Told:
    batches.order.set_epoch(number)
    return [[value.tolist() for value in batch] for batch in batches]


def test_workers_change_nothing_and_epochs_the_order() -> None:
    alone, helped = loader(), loader(2)
    told = [epoch(alone, number) for number in range(2)]
    assert told == [epoch(helped, number) for number in range(2)]
    assert told[0] != told[1] and len(told[0]) == len(alone)


@pytest.mark.parametrize("done", [0, 1, 5])
def test_a_state_in_mid_epoch_gives_the_rest(done: int) -> None:
    stopped, resumed = loader(), loader()
    stopped.order.set_epoch(1)
    batches = iter(stopped)
    for _ in range(done):
        next(batches)
    resumed.load_state_dict(stopped.state_dict())
    assert epoch(resumed, 1) == epoch(loader(), 1)[done:]
    assert epoch(resumed, 2) == epoch(loader(), 2), "only that epoch is cut"


# -- through the datamodule ---------------------------------------------------------------------------


def of_stage(folder: Path, stage: str, **options: Any) -> list[Batch]:
    data = ready(folder, **options)
    return list({"train": data.train_dataloader, "val": data.val_dataloader, "test": data.test_dataloader}[stage]())


def test_a_domain_at_every_position(tmp_path: Path) -> None:
    folder = make(tmp_path / "Tea", [[1, 2, 3, 4, 1], [2, 3, 1], [4, 4], [3], [1, 3, 2, 4, 1, 2, 3, 4, 3, 1]])
    every = of_stage(folder, "train", positions="every", window=2, batch_size=3)
    last = of_stage(folder, "train", positions="last", window=2)
    aimed = [target for batch in every for target in batch.targets.flatten().tolist() if target]
    assert sorted(aimed) == sorted(target for batch in last for target in batch.targets.tolist())
    assert [len(batch.items) for batch in every] == [3, 1], "a batch is so many rows"
    for stage in ("val", "test"):
        one, other = (of_stage(folder, stage, positions=how, window=2) for how in ("every", "last"))
        assert len(one) == len(other) == 1
        assert all(torch.equal(a, b) for a, b in zip(one[0], other[0], strict=True)), "evaluation is the same"


def test_a_domain_with_nothing_to_train_on(tmp_path: Path) -> None:
    folder = make(tmp_path / "Tea", [[1, 2, 3], [4, 1]])
    with pytest.raises(ValueError, match="no history is long enough to train on"):
        ready(folder, positions="every")
