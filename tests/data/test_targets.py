from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.domain import Domain
from data.store import SequenceStore
from data.targets import Holdout, Stage, Targets, targets_of

SHARED = Path(__file__).parents[2].parent / "shared/data"
LENGTHS = st.lists(st.integers(1, 7), max_size=12)
HOLDOUTS: list[Holdout] = ["leave_one_out", "last", "none"]
STAGES: list[Stage] = ["train", "val", "test"]


def store_of(lengths: list[int]) -> SequenceStore:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    events = np.zeros(offsets[-1], np.int64)
    return SequenceStore(np.arange(len(lengths)), offsets, events, events, "leave_one_out")


def naive(lengths: list[int], stage: Stage, holdout: Holdout) -> list[tuple[int, int]]:
    """Every (sequence, position) that is a target, one by one."""
    found = []
    for sequence, length in enumerate(lengths):
        test = length - 1 if holdout == "leave_one_out" else None
        val = {"leave_one_out": length - 2, "last": length - 1, "none": None}[holdout]
        train: list[int | None] = [n for n in range(length) if n not in (test, val)]
        wanted = {"train": train, "val": [val], "test": [test]}[stage]
        found += [(sequence, n) for n in wanted if n is not None and n >= 1]
    return found


def located(targets: Targets) -> list[tuple[int, int]]:
    sequence, position = targets.locate(np.arange(len(targets)))
    return list(zip(sequence.tolist(), position.tolist(), strict=True))


COUNTS = {
    ("leave_one_out", "train"): [0, 0, 0, 1, 2, 3],
    ("leave_one_out", "val"): [0, 0, 1, 1, 1, 1],
    ("leave_one_out", "test"): [0, 1, 1, 1, 1, 1],
    ("last", "train"): [0, 0, 1, 2, 3, 4],
    ("last", "val"): [0, 1, 1, 1, 1, 1],
    ("last", "test"): [0, 0, 0, 0, 0, 0],
    ("none", "train"): [0, 1, 2, 3, 4, 5],
    ("none", "val"): [0, 0, 0, 0, 0, 0],
    ("none", "test"): [0, 0, 0, 0, 0, 0],
}


@pytest.mark.parametrize(("holdout", "stage"), COUNTS)
def test_counts_of_lengths_1_to_6(holdout: Holdout, stage: Stage) -> None:
    assert [len(targets_of(store_of([n]), stage, holdout)) for n in range(1, 7)] == COUNTS[holdout, stage]


@settings(deadline=None)
@given(lengths=LENGTHS, stage=st.sampled_from(STAGES), holdout=st.sampled_from(HOLDOUTS))
def test_targets_are_the_naive_ones(lengths: list[int], stage: Stage, holdout: Holdout) -> None:
    targets = targets_of(store_of(lengths), stage, holdout)
    assert located(targets) == naive(lengths, stage, holdout)
    assert len(targets) == len(naive(lengths, stage, holdout))


@settings(deadline=None)
@given(lengths=LENGTHS, picks=st.lists(st.integers(0, 99)))
def test_samples_are_located_in_any_order(lengths: list[int], picks: list[int]) -> None:
    expected = naive(lengths, "train", "none")
    samples = [pick for pick in picks if pick < len(expected)]
    sequence, position = targets_of(store_of(lengths), "train", "none").locate(np.array(samples, np.int64))
    assert list(zip(sequence.tolist(), position.tolist(), strict=True)) == [expected[n] for n in samples]


@settings(deadline=None)
@given(lengths=LENGTHS, holdout=st.sampled_from(HOLDOUTS))
def test_no_target_is_in_two_stages(lengths: list[int], holdout: Holdout) -> None:
    every = [place for stage in STAGES for place in located(targets_of(store_of(lengths), stage, holdout))]
    assert len(every) == len(set(every))
    assert all(position >= 1 for _, position in every), "each has a history"


def test_validation_on_some_users() -> None:
    store = store_of([4] * 100)
    some = located(targets_of(store, "val", "leave_one_out", most=5))
    assert [sequence for sequence, _ in some] == [0, 24, 49, 74, 99], "evenly spread, not the first five"
    assert {position for _, position in some} == {2}
    for most in (100, 101, None):
        assert len(targets_of(store, "val", "leave_one_out", most)) == 100


@settings(deadline=None)
@given(lengths=LENGTHS, most=st.integers(1, 15))
def test_validation_on_some_users_takes_at_most_so_many(lengths: list[int], most: int) -> None:
    some = located(targets_of(store_of(lengths), "val", "leave_one_out", most))
    whole = naive(lengths, "val", "leave_one_out")
    assert len(some) <= most and set(some) <= set(whole)
    assert len(some) == len(whole) or len(lengths) > most
    if lengths and min(lengths) >= 3:
        assert len(some) == min(most, len(lengths))


def test_published_counts(tmp_path: Path) -> None:
    folder = SHARED / "processed/ScientificCLIP"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    store = Domain(folder).store(tmp_path / "store")
    assert [len(targets_of(store, stage, "leave_one_out")) for stage in STAGES] == [10_928, 2_928, 2_928]
    assert not (folder / "store").exists()
