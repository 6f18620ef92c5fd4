"""Intervals, bootstrap and correction, against values worked by hand or by scipy."""

import doctest

import numpy as np
import pytest
from scipy import stats

import trainer.compare.statistics as ours
from trainer.compare.statistics import holm, paired_bootstrap, t_interval


def test_the_examples_in_the_docstrings() -> None:
    results = doctest.testmod(ours, raise_on_error=True)
    assert results.attempted >= 3


def test_one_seed_has_no_interval() -> None:
    assert t_interval([0.25]) == (0.25, None)
    assert t_interval([0.25, 0.25]) == (0.25, 0.0)


def test_intervals_are_scipys() -> None:
    values = [0.1, 0.13, 0.09, 0.2]
    mean, half = t_interval(values)
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert half is not None and (mean - half, mean + half) == pytest.approx((low, high))


def test_no_difference_is_p_1_and_a_certain_one_the_least_p() -> None:
    same, better = np.zeros(30), np.full(30, 0.1)
    found = paired_bootstrap(np.stack([same, better], axis=1), 999, seed=1)
    assert found[0] == (0.0, 0.0, 0.0, 1.0)
    assert found[1] == pytest.approx((0.1, 0.1, 0.1, 2 / 1000))


def test_the_interval_is_that_of_the_mean() -> None:
    """For many users the bootstrap's is the normal one, and p that of a t test."""
    values = np.random.default_rng(0).normal(0.1, 1.0, (500, 1))
    (found,) = paired_bootstrap(values, 10_000, seed=1)
    error = stats.sem(values[:, 0])
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((found.mean - 1.96 * error, found.mean + 1.96 * error), abs=0.006)
    assert found.p == pytest.approx(stats.ttest_1samp(values[:, 0], 0).pvalue, abs=0.02)


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(7, 2))
    whole = paired_bootstrap(values, 50, seed=3)
    monkeypatch.setattr(ours, "_ENTRIES", 21)
    assert paired_bootstrap(values, 50, seed=3) == whole
    assert paired_bootstrap(values, 50, seed=4) != whole


def test_holm_by_hand() -> None:
    assert holm([]) == []
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([0.01, 0.02, 0.03, 0.005]) == pytest.approx([0.03, 0.04, 0.04, 0.02])
