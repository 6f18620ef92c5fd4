"""Each property of the lists against its worked example, and against sums written out."""

import doctest
import itertools

import numpy as np
import pytest
import torch

import data.gini
import trainer.slices.calibration
import trainer.slices.lists
from trainer.slices.calibration import miscalibration, popularity_groups, shares
from trainer.slices.lists import concentration, coverage, diversity, novelty
from trainer.slices.training import Popularity

EMPTY = torch.zeros(0, 3, dtype=torch.long)


@pytest.mark.parametrize(
    ("module", "least"), [(data.gini, 1), (trainer.slices.lists, 3), (trainer.slices.calibration, 3)]
)
def test_the_examples_in_the_docstrings(module: object, least: int) -> None:
    results = doctest.testmod(module, raise_on_error=True)  # type: ignore[arg-type]
    assert results.attempted >= least


def test_gini_at_its_ends() -> None:
    assert concentration(torch.tensor([[1, 2], [3, 4]]), items=4) == 0
    assert concentration(torch.tensor([[2], [2]]), items=4) == 0.75
    assert concentration(EMPTY, items=4) == 0 == coverage(EMPTY, items=4)


def test_gini_is_half_the_mean_difference() -> None:
    lists = torch.from_numpy(np.random.default_rng(1).integers(0, 8, (20, 3)))
    counts = np.bincount(lists.flatten(), minlength=8)[1:]
    differences = np.abs(counts[:, None] - counts[None]).mean()
    assert concentration(lists, items=7) == pytest.approx(differences / (2 * counts.mean()))


def test_novelty_of_nothing_and_of_what_everyone_had() -> None:
    assert novelty(EMPTY, Popularity(torch.tensor([0, 1]), 1)) == 0
    assert novelty(torch.tensor([[1, 0]]), Popularity(torch.tensor([0, 5]), 5)) == 0


def test_diversity_is_the_mean_over_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    content = torch.from_numpy(random.normal(size=(9, 4))).float()
    present = torch.tensor([False, *[True] * 6, False, True])
    lists = torch.from_numpy(np.stack([random.permutation(8)[:4] + 1 for _ in range(5)]))
    lists[0, 1:] = 0  # a list of one
    wanted = []
    for ids in lists:
        kept = [content[i].double() for i in ids if i > 0 and present[i]]
        pairs = list(itertools.combinations(kept, 2))
        if pairs:
            wanted.append(np.mean([1 - float(torch.cosine_similarity(a, b, dim=0)) for a, b in pairs]))
    monkeypatch.setattr(trainer.slices.lists, "_USERS", 2)
    assert diversity(lists, content, present) == pytest.approx(np.mean(wanted), abs=1e-6)
    assert diversity(lists[:1], content, present) is None


def test_groups_by_hand() -> None:
    assert popularity_groups(torch.tensor([0, 1, 1, 1, 1, 1]))[1:].tolist() == [0, 1, 1, 1, 2], "begin at 0, .2, …, .8"
    assert popularity_groups(torch.tensor([0, 0, 3, 0]))[1:].tolist() == [2, 0, 2], "nobody's are tail"
    assert popularity_groups(torch.tensor([0, 0, 0]))[1:].tolist() == [2, 2]


def test_shares_and_miscalibration_by_hand() -> None:
    groups = torch.tensor([0, 0, 1, 2])
    rows, items = torch.tensor([0, 0, 0, 0, 2]), torch.tensor([1, 1, 2, 3, 3])
    found = shares(rows, items, groups, 3)
    assert found.tolist() == [[0.5, 0.25, 0.25], [0, 0, 0], [0, 0, 1]]
    head = torch.tensor([[1.0, 0, 0]])
    assert miscalibration(head, head) == 0
    assert miscalibration(head, torch.tensor([[0.0, 0, 1]])) == pytest.approx(1)
    assert miscalibration(head, torch.zeros(1, 3)) == 0, "no list, no say"
