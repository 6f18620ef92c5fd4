"""Hit, NDCG and MRR at K against examples worked by hand."""

import doctest
import math

import pytest
import torch

import trainer.metrics
from trainer.metrics import RankMetrics, ndcg


def test_the_example_in_the_docstring() -> None:
    results = doctest.testmod(trainer.metrics, raise_on_error=True)
    assert results.attempted >= 3


def test_ndcg_of_each_user() -> None:
    ranks = torch.tensor([0.0, 2.0, 10.0, math.inf, 0.5, 9.5], dtype=torch.float64)
    expected = [1, 0.5, 0, 0, 1 / math.log2(2.5), 1 / math.log2(11.5)]
    assert ndcg(ranks, 10).tolist() == pytest.approx(expected)


def test_by_hand() -> None:
    metrics = RankMetrics([1, 3])
    metrics.update(torch.tensor([0.0, 1.0, 2.0, 3.0]))
    found = metrics.compute()
    expected = {
        "hit@1": 1 / 4,
        "ndcg@1": 1 / 4,
        "mrr@1": 1 / 4,
        "hit@3": 3 / 4,
        "ndcg@3": (1 + 1 / math.log2(3) + 1 / 2) / 4,
        "mrr@3": (1 + 1 / 2 + 1 / 3) / 4,
    }
    assert {name: value.item() for name, value in found.items()} == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("rank", "hit"), [(0.5, 1), (0.0, 1), (1.0, 0), (math.inf, 0)])
def test_a_tie_at_the_cut(rank: float, hit: int) -> None:
    metrics = RankMetrics([1])
    metrics.update(torch.tensor([rank], dtype=torch.float64))
    found = metrics.compute()
    assert found["hit@1"] == hit
    assert found["ndcg@1"].item() == pytest.approx(hit / math.log2(rank + 2) if hit else 0)
    assert found["mrr@1"].item() == pytest.approx(hit / (rank + 1) if hit else 0)


def test_batches_add_up_and_reset_forgets() -> None:
    ranks = torch.tensor([0.0, 4.5, 9.0, 10.0, math.inf, 3.0, 60.0])
    whole, parts = RankMetrics(), RankMetrics()
    whole.update(ranks)
    for part in ranks.split(2):
        parts.update(part)
    assert parts.compute() == whole.compute()
    parts.reset()
    parts.update(torch.tensor([0.0]))
    assert all(value == 1 for value in parts.compute().values())


def test_no_user_is_zero() -> None:
    metrics = RankMetrics([10])
    metrics.update(torch.zeros(0))
    assert {name: value.item() for name, value in metrics.compute().items()} == {"hit@10": 0, "ndcg@10": 0, "mrr@10": 0}


def test_many_users_keep_their_precision() -> None:
    metrics = RankMetrics([10])
    for _ in range(300):
        metrics.update(torch.full((100_000,), 2.0))
    assert metrics.compute()["mrr@10"].item() == pytest.approx(1 / 3, rel=1e-6)
