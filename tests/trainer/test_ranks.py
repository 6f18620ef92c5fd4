"""Ranks by counting against a readable form, over scores with ties, NaN, seen duplicates and tiny catalogues."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import trainer.ranks
from trainer.ranks import target_ranks


def naive_rank(scores: list[float], target: int, seen: set[int], removed: bool) -> float:
    """By the definition, one candidate after another; ``scores[0]`` is padding."""
    if removed and target in seen:
        return math.inf
    rank = 0.0
    for item in range(1, len(scores)):
        if item == target or (removed and item in seen):
            continue
        if math.isnan(scores[item]) or math.isnan(scores[target]) or scores[item] > scores[target]:
            rank += 1
        elif scores[item] == scores[target]:
            rank += 0.5
    return rank


def ranks_of(scores: list[list[float]], targets: list[int], seen: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Through one-dimensional-per-row embeddings: user b is the b-th unit vector, so any score matrix is possible."""
    matrix = torch.tensor(scores, dtype=torch.float64)
    width = max([len(row) for row in seen], default=0)
    padded = torch.tensor([row + [0] * (width - len(row)) for row in seen], dtype=torch.long).view(len(seen), width)
    return target_ranks(torch.eye(len(matrix), dtype=torch.float64), matrix.T, torch.tensor(targets), padded)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[list[float]], list[int], list[list[int]]]:
    batch, items = draw(st.integers(1, 4)), draw(st.integers(1, 7))
    score = st.sampled_from([-2.0, -0.0, 0.0, 1.0, 1.0, 3.5])
    rows = st.lists(score, min_size=items + 1, max_size=items + 1)
    ids = st.integers(1, items)
    return (
        draw(st.lists(rows, min_size=batch, max_size=batch)),
        draw(st.lists(ids, min_size=batch, max_size=batch)),
        draw(st.lists(st.lists(ids, max_size=6), min_size=batch, max_size=batch)),
    )


@given(cases(), st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_equals_the_definition_for_any_block(case, block: int) -> None:
    scores, targets, seen = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer.ranks, "_BLOCK", block)
        published, removed = ranks_of(scores, targets, seen)
    for row, (values, target, history) in enumerate(zip(scores, targets, seen, strict=True)):
        assert published[row] == naive_rank(values, target, set(history), removed=False)
        assert removed[row] == naive_rank(values, target, set(history), removed=True)


def test_by_hand() -> None:
    scores = [[9.0, 5.0, 3.0, 3.0, 1.0]] * 3
    published, removed = ranks_of(scores, [2, 4, 1], [[1], [1, 1, 3], [1]])
    assert published.tolist() == [1.5, 3, 0]
    assert removed.tolist() == [0.5, 1, math.inf]
    assert published.dtype == torch.float64


def test_a_constant_score_ranks_in_the_middle() -> None:
    published, removed = ranks_of([[0.0] * 12], [4], [[1, 2]])
    assert published.item() == 10 / 2 and removed.item() == 8 / 2


@pytest.mark.parametrize("where", ["target", "others", "all"])
def test_a_score_that_is_no_number_never_helps(where: str) -> None:
    nan = math.nan
    scores = {"target": [0, nan, 1, 2], "others": [0, 5, nan, nan], "all": [nan] * 4}[where]
    published, removed = ranks_of([list(map(float, scores))], [1], [[3]])
    assert published.item() >= 2, "last of three"
    assert removed.item() >= 1


def test_nan_where_the_history_is_removed_does_not_count() -> None:
    published, removed = ranks_of([[0.0, 5.0, math.nan, 1.0]], [1], [[2]])
    assert (published.item(), removed.item()) == (1, 0)


def test_one_item() -> None:
    published, removed = ranks_of([[7.0, 1.0], [7.0, 1.0]], [1, 1], [[], [1]])
    assert published.tolist() == [0, 0] and removed.tolist() == [0, math.inf]


def test_an_item_below_every_number_does_not_tie_with_padding() -> None:
    published, removed = ranks_of([[0.0, -math.inf, 1.0, 2.0]], [1], [[3]])
    assert (published.item(), removed.item()) == (2, 1)


def test_no_history_and_no_rows() -> None:
    published, removed = ranks_of([[0.0, 1.0, 2.0]], [1], [[]])
    assert published.item() == removed.item() == 1
    empty = target_ranks(
        torch.zeros(0, 3), torch.zeros(5, 3), torch.zeros(0, dtype=torch.long), torch.zeros(0, 2).long()
    )
    assert [len(ranks) for ranks in empty] == [0, 0]


def test_inputs_are_left_as_they_were() -> None:
    users, items, seen = torch.randn(3, 4), torch.randn(6, 4), torch.tensor([[1, 2], [3, 0], [0, 0]])
    copies = [tensor.clone() for tensor in (users, items, seen)]
    target_ranks(users, items, torch.tensor([1, 2, 3]), seen)
    assert all(torch.equal(a, b) for a, b in zip((users, items, seen), copies, strict=True))
