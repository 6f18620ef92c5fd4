"""The order of an epoch, and the loader that follows it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from data.batches import HistoryDataset
from data.loader import HistoryLoader
from data.order import EpochOrder
from data.store import SequenceStore
from data.targets import targets_of

ROOT = Path(__file__).parents[2]
Seen = list[list[int]]


def samples(count: int = 23) -> HistoryDataset:
    """One history, of which the target of sample n is item n + 2."""
    items = np.arange(1, count + 2)
    store = SequenceStore(np.array([0]), np.array([0, count + 1]), items, items * 10, "pretrain")
    return HistoryDataset(store, targets_of(store, "train", "none"), window=3)


def epoch(loader: HistoryLoader, number: int = 0) -> Seen:
    loader.order.set_epoch(number)
    return [batch.targets.tolist() for batch in loader]


@settings(deadline=None)
@given(count=st.integers(0, 40), size=st.integers(1, 12), seed=st.none() | st.integers(0, 9), epoch=st.integers(0, 3))
def test_every_sample_once_an_epoch(count: int, size: int, seed: int | None, epoch: int) -> None:
    order = EpochOrder(count, size, seed)
    order.set_epoch(epoch)
    batches = [batch.tolist() for batch in order]
    assert sorted(sample for batch in batches for sample in batch) == list(range(count))
    assert len(batches) == len(order) and all(len(batch) == size for batch in batches[:-1])
    assert not batches or len(batches[-1]) == count - size * (len(batches) - 1), "the last may be smaller"


def test_order_depends_on_seed_and_epoch_alone() -> None:
    def told(seed: int, epoch: int) -> Seen:
        order = EpochOrder(50, 8, seed)
        order.set_epoch(epoch)
        return [batch.tolist() for batch in order]

    every = {(seed, epoch): told(seed, epoch) for seed in (0, 1, 2020) for epoch in (0, 1, 2)}
    assert len({str(batches) for batches in every.values()}) == 9
    np.random.seed(3)  # noqa: NPY002 — the global state must not matter
    torch.manual_seed(3)
    assert told(2020, 2) == every[2020, 2]


def test_order_of_later_epochs_needs_no_earlier_ones() -> None:
    order = EpochOrder(50, 8, 1)
    walked = []
    for epoch in range(3):
        order.set_epoch(epoch)
        walked.append([batch.tolist() for batch in order])
    fresh = EpochOrder(50, 8, 1)
    fresh.set_epoch(2)
    assert [batch.tolist() for batch in fresh] == walked[2]


def test_without_a_seed_the_samples_stay_in_order() -> None:
    assert epoch(HistoryLoader(samples(5), 2, None, 0), 4) == [[2, 3], [4, 5], [6]]


def test_length_of_the_loader() -> None:
    assert len(HistoryLoader(samples(23), 5, 1, 0)) == 5 and len(HistoryLoader(samples(20), 5, 1, 0)) == 4


def test_batches_are_the_same_for_any_number_of_workers() -> None:
    alone, helped = (HistoryLoader(samples(), 4, 7, workers) for workers in (0, 2))
    told = [epoch(alone, number) for number in range(3)]
    assert told == [epoch(helped, number) for number in range(3)], "with persistent workers too"
    assert told[0] != told[1]
    alone.order.set_epoch(0)
    helped.order.set_epoch(0)
    for one, other in zip(alone, helped, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    state = {"epoch": 1, "delivered": 2}
    helped.load_state_dict(state)
    assert epoch(helped, 1) == told[1][2:]


def test_workers_fetch_ahead_only_when_the_epoch_is_set() -> None:
    """Lightning makes the iterator, then sets the epoch, then asks for the first batch."""
    for workers in (0, 2):
        loader = HistoryLoader(samples(), 4, 7, workers)
        batches = iter(loader)
        loader.order.set_epoch(2)
        assert [batch.targets.tolist() for batch in batches] == epoch(HistoryLoader(samples(), 4, 7, 0), 2)


@pytest.mark.parametrize("done", range(7))
def test_a_state_in_mid_epoch_gives_the_rest(done: int) -> None:
    whole = [epoch(HistoryLoader(samples(), 4, 7, 0), number) for number in range(3)]
    stopped = HistoryLoader(samples(), 4, 7, 0)
    stopped.order.set_epoch(1)
    batches = iter(stopped)
    for _ in range(min(done, 6)):
        next(batches)
    resumed = HistoryLoader(samples(), 4, 7, 0)
    resumed.load_state_dict(stopped.state_dict())
    assert epoch(resumed, 1) == whole[1][done:]
    assert epoch(resumed, 2) == whole[2], "only that epoch is cut"
    assert len(resumed) == 6, "the length is the epoch's"


def test_a_resumed_epoch_can_be_stopped_again() -> None:
    whole = epoch(HistoryLoader(samples(), 4, 7, 0), 1)
    state = {"epoch": 1, "delivered": 2}
    for _ in range(3):
        loader = HistoryLoader(samples(), 4, 7, 0)
        loader.load_state_dict(state)
        assert loader.state_dict() == state, "also before the first batch"
        loader.order.set_epoch(1)
        assert next(iter(loader)).targets.tolist() == whole[state["delivered"]]
        state = loader.state_dict()
    assert state == {"epoch": 1, "delivered": 5}


def test_a_state_counts_what_was_delivered_not_what_was_fetched() -> None:
    loader = HistoryLoader(samples(), 4, 7, 2)
    batches = iter(loader)
    next(batches)
    assert loader.state_dict() == {"epoch": 0, "delivered": 1}


def test_a_state_between_epochs_leaves_nothing_out() -> None:
    loader = HistoryLoader(samples(), 4, 7, 0)
    epoch(loader, 0)
    loader.order.set_epoch(1)  # the next epoch is set, none of its batches delivered
    resumed = HistoryLoader(samples(), 4, 7, 0)
    resumed.load_state_dict(loader.state_dict())
    assert epoch(resumed, 1) == epoch(HistoryLoader(samples(), 4, 7, 0), 1)


_PRINT = """
import sys
sys.path.insert(0, "tests/data")
from test_history_loader import HistoryLoader, epoch, samples
sys.stdout.write(str(epoch(HistoryLoader(samples(), 4, 7, 0), 3)))
"""


def test_the_same_in_a_process_with_other_hashes() -> None:
    other = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    environment = {**os.environ, "PYTHONHASHSEED": other, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _PRINT]
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == str(epoch(HistoryLoader(samples(), 4, 7, 0), 3))
