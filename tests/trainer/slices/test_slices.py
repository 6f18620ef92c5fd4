"""Slices of a tiny shop worked by hand; the whole record of a run; ranks against other libraries' metrics."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score

from data.datamodule import DomainData
from tests.trainer.tiny import ITEMS, make_data, make_module, make_trainer, write_domain
from trainer.results import READINGS
from trainer.slices import format_slices, slices_of
from trainer.slices.accuracy import by_history_length, by_popularity
from trainer.slices.training import histories_before_test, training_popularity
from trainer.user_results import KeepUserResults, UserResults

#: user 0: A B A C D, user 1: A B, user 2: B E A B, of 12 items
HISTORIES = [[[item, 100 * at] for at, item in enumerate(items)] for items in ([1, 2, 1, 3, 4], [1, 2], [2, 5, 1, 2])]


@pytest.fixture
def data(tmp_path: Path) -> DomainData:
    data = make_data(write_domain(tmp_path / "Tiny", HISTORIES))
    data.setup("test")
    return data


def results_of(data: DomainData, ranks: list[float], removed: list[float]) -> UserResults:
    lists = torch.tensor([[1, 2], [3, 5], [4, 0]], dtype=torch.int32)
    columns = (torch.tensor([0, 1, 2]), torch.tensor([4, 2, 2]), torch.tensor([4, 1, 3]))
    return UserResults(*columns, torch.tensor(ranks).double(), torch.tensor(removed).double(), lists, lists)


def test_training_is_all_but_the_last_two(data: DomainData) -> None:
    popularity = training_popularity(data.store, "leave_one_out", ITEMS)
    assert popularity.counts_I.tolist() == [0, 1, 2, 0, 0, 1, *[0] * 7] and popularity.users == 2
    sequence, items = histories_before_test(data.store)
    assert sequence.tolist() == [0, 0, 0, 0, 1, 2, 2, 2] and items.tolist() == [1, 2, 1, 3, 1, 2, 5, 1]


def test_users_who_were_not_drawn_did_not_train(data: DomainData) -> None:
    popularity = training_popularity(data.store, "leave_one_out", ITEMS, np.array([True, True, False]))
    assert popularity.counts_I.tolist() == [0, 1, 1, *[0] * 10] and popularity.users == 1
    data.drawn_S = np.array([False, True, True])  # B E of user 2 alone: D is cold, B is not
    rows = slices_of(results_of(data, [0.0, 2.0, 20.0], [0.0, 2.0, 20.0]), data)["popularity"]
    assert [row["users"] for row in rows if row["slice"] == "cold"] == [1]


def test_slices_by_hand(data: DomainData) -> None:
    results = results_of(data, [0.0, 2.0, 20.0], [0.0, 2.0, float("inf")])
    popularity = training_popularity(data.store, "leave_one_out", ITEMS)
    rows = {row["slice"]: row for row in by_popularity(results, popularity, [10, 50])}
    assert list(rows) == ["cold", "1 to 5", "6 to 20", "21 to 50", "51 and more"]
    assert (rows["cold"]["users"], rows["cold"]["test/ndcg@10"]) == (1, 1.0), "nobody had D in training"
    few = rows["1 to 5"]
    assert few["users"] == 2 and few["test/hit@10"] == 0.5 and few["test/ndcg@10"] == 0.25
    assert few["test/hit@50"] == 1.0 and few["test_removed/hit@50"] == 0.5
    assert few["test/mrr@50"] == pytest.approx((1 / 3 + 1 / 21) / 2)
    assert rows["6 to 20"] == {"slice": "6 to 20", "users": 0} | {
        name: None for name in few if name not in ("slice", "users")
    }
    lengths = by_history_length(results, [10])
    assert [row["users"] for row in lengths] == [3, 0, 0, 0, 0] and lengths[0]["test/hit@10"] == pytest.approx(2 / 3)


def test_the_whole_record(data: DomainData) -> None:
    found = slices_of(results_of(data, [0.0, 2.0, 20.0], [0.0, 2.0, 20.0]), data)
    lists = found["lists"]["test"]
    assert lists["coverage@2"] == pytest.approx(5 / ITEMS)
    bits = [(1 + 0) / 2, (1 + 1) / 2, 1.0]  # A 1 of 2 users, B both, C none counts as one, E 1, D none
    assert lists["novelty@2"] == pytest.approx(np.mean(bits))
    assert lists["diversity@2"] is not None and found["content"] == "text"
    assert 0 < lists["miscalibration@2"] <= 1
    text = format_slices(found, READINGS)
    assert "coverage@2" in text and "users of the target cold" in text and "6 to 20" not in text


def test_without_content_there_is_no_diversity(tmp_path: Path) -> None:
    folder = write_domain(tmp_path / "Tiny", HISTORIES)
    for path in (folder / "features").iterdir():
        path.unlink()
    data = make_data(folder, modalities=())
    data.setup("test")
    found = slices_of(results_of(data, [0.0, 2.0, 20.0], [0.0, 2.0, 20.0]), data)
    assert found["content"] is None and found["lists"]["test"]["diversity@2"] is None


def test_slices_of_a_run_add_up_to_its_metrics(tmp_path: Path) -> None:
    data, module, kept = make_data(write_domain(tmp_path / "Tiny")), make_module(), KeepUserResults()
    trainer = make_trainer(tmp_path, kept, epochs=1)
    trainer.fit(module, datamodule=data)
    (metrics,) = trainer.test(module, data, verbose=False)
    results = kept.results(data)
    assert results is not None
    found = slices_of(results, data, ks=(5,))
    for key in ("history_length", "popularity"):
        users = sum(row["users"] for row in found[key])
        assert users == len(results.users)
        for stage in READINGS:
            total = sum(row["users"] * row[f"{stage}/ndcg@5"] for row in found[key] if row["users"])
            assert total / users == pytest.approx(metrics[f"{stage}/ndcg@5"], abs=1e-6)


def ranking() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores without ties, the target's column and its rank."""
    random = np.random.default_rng(4)
    scores = random.permuted(np.tile(np.arange(30.0), (25, 1)), axis=1)
    targets = random.integers(0, 30, 25)
    own = scores[np.arange(25), targets]
    return scores, targets, (scores > own[:, None]).sum(axis=1)


def row_of(ranks: np.ndarray) -> dict[str, float]:
    ids, lists = torch.arange(len(ranks)), torch.zeros(len(ranks), 10, dtype=torch.int32)
    ranks_U = torch.from_numpy(ranks).double()
    results = UserResults(ids, ids, torch.ones_like(ids), ranks_U, ranks_U, lists, lists)
    return by_history_length(results, [10])[0]


def test_ndcg_is_scikit_learns() -> None:
    scores, targets, ranks = ranking()
    wanted = ndcg_score(np.eye(30)[targets], scores, k=10)
    assert row_of(ranks)["test/ndcg@10"] == pytest.approx(wanted, abs=1e-6)


def test_all_three_are_ranxs() -> None:
    ranx = pytest.importorskip("ranx", reason="ranx is not among the pins (it brings numba); install it to compare")
    scores, targets, ranks = ranking()
    qrels = ranx.Qrels({str(u): {str(item): 1} for u, item in enumerate(targets)})
    run = ranx.Run({str(u): {str(item): float(s) for item, s in enumerate(row)} for u, row in enumerate(scores)})
    wanted = ranx.evaluate(qrels, run, ["hit_rate@10", "ndcg@10", "mrr@10"])
    row = row_of(ranks)
    assert [row[f"test/{name}@10"] for name in ("hit", "ndcg", "mrr")] == pytest.approx(
        [wanted[name] for name in ("hit_rate@10", "ndcg@10", "mrr@10")], abs=1e-6
    )
