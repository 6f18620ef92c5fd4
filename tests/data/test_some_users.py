"""A share of the users to train on: nested, by the seed alone, and never one that nobody trains in."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_domain_data import make, ready, targets
from test_targets import store_of

from data.datamodule import DomainData
from data.some_users import drawn_users
from data.store import SequenceStore
from data.targets import HELD, Holdout

SHARES = [0.001, 0.01, 0.05, 0.2, 0.5, 0.999, 1.0]


def trained(folder: Path, **options: Any) -> set[int]:
    """Whose items came up in training, where each user has an item of their own."""
    loader = ready(folder, modalities=[], batch_size=7, **options).train_dataloader()
    return {int(item) for batch in loader for item in batch.items.unique() if item}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """40 users; user u has item u + 1 again and again, as often as from 4 to 12 times."""
    folder = make(tmp_path / "Tea", [[user + 1] * (4 + user % 9) for user in range(40)], modalities=())
    (folder / "item2id.jsonl").write_bytes(b"\n".join(orjson.dumps([f"{item}", item]) for item in range(1, 41)))
    return folder


@pytest.mark.parametrize("positions", ["last", "every", "whole"])
def test_the_same_users_train_whatever_the_positions_and_the_workers(folder: Path, positions: str) -> None:
    module = ready(folder, modalities=[], user_share=0.2, seed=5)
    drawn = {int(user) + 1 for user in module.store.users[module.drawn_S]}
    assert len(drawn) == 8
    for workers in (0, 2):
        assert trained(folder, user_share=0.2, seed=5, positions=positions, num_workers=workers) == drawn
    assert trained(folder, seed=5, positions=positions) == {*range(1, 41)}


@pytest.mark.parametrize("holdout", ["leave_one_out", "last"])
def test_every_user_is_validated_and_tested(folder: Path, holdout: Holdout) -> None:
    some, all_ = (ready(folder, modalities=[], holdout=holdout, user_share=share) for share in (0.1, 1.0))
    assert len(targets(some.train_dataloader())[0]) < len(targets(all_.train_dataloader())[0])
    assert targets(some.val_dataloader()) == targets(all_.val_dataloader()) != []
    assert targets(some.test_dataloader()) == targets(all_.test_dataloader())


def test_another_seed_draws_others() -> None:
    store = store_of([5] * 1000)
    drawn = [drawn_users(store, "leave_one_out", 0.2, seed) for seed in (2020, 2020, 2021, -1)]
    assert (drawn[0] == drawn[1]).all()
    for one in (drawn[2], drawn[3]):
        assert 20 <= (drawn[0] & one).sum() <= 60, "as many in common as by chance, about 40"
    assert 60 <= drawn[0][:400].sum() <= 100, "evenly over the ids, about 80"


def test_known_users() -> None:
    """The same on any machine and in any version: a hash, worked out once."""
    store = store_of([5] * 20)
    assert np.flatnonzero(drawn_users(store, "none", 0.2, 2020)).tolist() == [6, 10, 13, 16]


def test_the_order_of_the_histories_does_not_matter() -> None:
    store, turn = store_of([3, 4, 5, 6] * 25), np.random.default_rng(0).permutation(100)
    offsets = np.concatenate([[0], np.cumsum(store.lengths[turn])])
    other = SequenceStore(store.users[turn], offsets, store.items, store.timestamps, store.split)
    for share in SHARES:
        first, second = (drawn_users(one, "leave_one_out", share, 3) for one in (store, other))
        assert (first[turn] == second).all()


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 6), max_size=30), seed=st.integers(0, 2**32), holdout=st.sampled_from([*HELD]))
def test_shares_are_nested_and_somebody_trains(lengths: list[int], seed: int, holdout: Holdout) -> None:
    store = store_of(lengths)
    drawn = [drawn_users(store, holdout, share, seed) for share in SHARES]
    for less, more in pairwise(drawn):
        assert (less <= more).all()
    assert drawn[-1].all()
    trains = store.lengths > HELD[holdout] + 1
    for share, one in zip(SHARES, drawn, strict=True):
        assert (one & trains).any() == trains.any()
        assert one.sum() >= round(share * len(lengths))
        if trains.all() and lengths:
            assert one.sum() == max(1, round(share * len(lengths)))


@pytest.mark.parametrize("share", [0, -0.5, 1.01, float("nan"), float("inf")])
def test_a_share_that_is_none_is_refused(share: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"data\.user_share = .*above 0 and at most 1"):
        DomainData(make(tmp_path / "Tea"), user_share=share)
