from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from data.batches import Batch, HistoryDataset
from data.store import SequenceStore
from data.targets import Holdout, Stage, targets_of

History = list[tuple[int, int]]
EVENTS = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 10**10)), min_size=1, max_size=8)
HISTORIES = st.lists(EVENTS.map(lambda history: sorted(history, key=lambda event: event[1])), min_size=1, max_size=6)
STAGES: list[Stage] = ["train", "val", "test"]


def store_of(histories: list[History]) -> SequenceStore:
    offsets = np.concatenate([[0], np.cumsum([len(history) for history in histories])]).astype(np.int64)
    events = np.array([event for history in histories for event in history], np.int64).reshape(-1, 2)
    users = np.arange(len(histories))
    return SequenceStore(users, offsets, events[:, 0].copy(), events[:, 1].copy(), "leave_one_out")


def dataset(histories: list[History], stage: Stage, window: int, holdout: Holdout = "leave_one_out") -> HistoryDataset:
    store = store_of(histories)
    return HistoryDataset(store, targets_of(store, stage, holdout), window, with_seen=stage != "train")


def padded(rows: list[list[int]]) -> list[list[int]]:
    width = max([1, *map(len, rows)])
    return [row + [0] * (width - len(row)) for row in rows]


def naive(histories: list[History], stage: Stage, window: int, picks: list[int]) -> dict[str, Any]:
    """The batch, a sample at a time."""
    samples = []
    for history in histories:
        n = len(history)
        stops = {"train": range(1, n - 2), "val": [n - 2], "test": [n - 1]}[stage]
        samples += [(history[:stop], history[stop]) for stop in stops if stop >= 1]
    chosen = [samples[pick] for pick in picks]
    recent = [before[-window:] for before, _ in chosen]
    return {
        "items": padded([[item for item, _ in events] for events in recent]),
        "timestamps": padded([[time for _, time in events] for events in recent]),
        "lengths": [len(events) for events in recent],
        "targets": [item for _, (item, _) in chosen],
        "seen": [[] for _ in chosen] if stage == "train" else padded([[i for i, _ in before] for before, _ in chosen]),
    }


@settings(deadline=None, max_examples=150)
@given(histories=HISTORIES, stage=st.sampled_from(STAGES), window=st.integers(1, 10), data=st.data())
def test_batches_are_the_naive_ones(histories: list[History], stage: Stage, window: int, data: st.DataObject) -> None:
    samples = dataset(histories, stage, window)
    if not len(samples):
        return
    picks = data.draw(st.lists(st.integers(0, len(samples) - 1), min_size=1, max_size=9))
    batch = samples.__getitems__(np.array(picks))
    assert {name: value.tolist() for name, value in batch._asdict().items()} == naive(histories, stage, window, picks)
    assert all(value.dtype == torch.int64 for value in batch)


LONG = [[(n, 100 * n) for n in range(1, 9)], [(9, 1), (8, 2), (9, 3)]]


def test_a_window_keeps_the_most_recent_events() -> None:
    batch = dataset(LONG, "test", 3).__getitems__(np.array([0, 1]))
    assert batch.items.tolist() == [[5, 6, 7], [9, 8, 0]]
    assert batch.timestamps.tolist() == [[500, 600, 700], [1, 2, 0]]
    assert batch.lengths.tolist() == [3, 2] and batch.targets.tolist() == [8, 9]


def test_a_wide_window_costs_no_padding() -> None:
    assert dataset(LONG, "test", 1000).__getitems__(np.array([1])).items.shape == (1, 2)


def test_seen_is_the_whole_history_beyond_the_window_without_the_label() -> None:
    batch = dataset(LONG, "test", 2).__getitems__(np.array([0, 1]))
    assert batch.seen.tolist() == [[1, 2, 3, 4, 5, 6, 7], [9, 8, 0, 0, 0, 0, 0]]
    assert dataset(LONG, "train", 2).__getitems__(np.array([0])).seen.shape == (1, 0)


def test_an_empty_history_is_no_sample() -> None:
    for stage in STAGES:
        assert len(dataset([[(1, 1)]], stage, 5)) == 0
    assert len(dataset([[(1, 1)]], "train", 5, "none")) == 0
    with pytest.raises(IndexError):
        dataset([[(1, 1)]], "test", 5)[0]


def test_one_sample_is_a_batch_of_one() -> None:
    samples = dataset(LONG, "train", 4)
    assert [samples[n].targets.tolist() for n in range(len(samples))] == [[n] for n in range(2, 7)]
    with pytest.raises(IndexError):
        samples[len(samples)]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("window", [2, 50])
def test_nothing_of_the_label_or_after_it_is_in_the_input(stage: Stage, window: int) -> None:
    samples = dataset(LONG, stage, window)
    for sample in range(len(samples)):
        (sequence,), (position,) = samples.targets.locate(np.array([sample]))
        other = store_of(LONG)
        label = int(other.offsets[sequence] + position)
        end = int(other.offsets[sequence + 1])
        other.items[label:end] += 100
        other.timestamps[label:end] += 10**6
        perturbed = HistoryDataset(other, samples.targets, window, samples.with_seen)[sample]
        before = samples[sample]
        assert perturbed.targets.item() == before.targets.item() + 100
        for name in ("items", "timestamps", "lengths", "seen"):
            assert torch.equal(getattr(perturbed, name), getattr(before, name)), name


def test_other_users_are_not_in_the_input() -> None:
    other = [LONG[0], [(7, 7)] * 5]
    first, second = (dataset(histories, "test", 50)[0] for histories in (LONG, other))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_store_is_not_written_to() -> None:
    samples = dataset(LONG, "test", 3)
    batch: Batch = samples.__getitems__(np.array([0, 1]))
    for value in batch:
        value += 1
    assert samples.store.items.tolist() == store_of(LONG).items.tolist()
    assert samples.store.timestamps.tolist() == store_of(LONG).timestamps.tolist()
