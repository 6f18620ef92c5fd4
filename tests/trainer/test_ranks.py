"""Ranks by counting against a readable form, over scores with ties, NaN, seen duplicates and tiny catalogues."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.trainer.largest import Largest
from trainer.ranks import Block, _choose_block, target_ranks


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


def ranks_of(
    scores: list[list[float]], targets: list[int], seen: list[list[int]], block: Block | None = None
) -> tuple[Tensor, Tensor]:
    """Through one-dimensional-per-row embeddings: user b is the b-th unit vector, so any score matrix is possible."""
    matrix = torch.tensor(scores, dtype=torch.float64)
    width = max([len(row) for row in seen], default=0)
    padded = torch.tensor([row + [0] * (width - len(row)) for row in seen], dtype=torch.long).view(len(seen), width)
    return target_ranks(torch.eye(len(matrix), dtype=torch.float64), matrix.T, torch.tensor(targets), padded)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[list[float]], list[int], list[list[int]]]:
    """Few items, or so many that they take several blocks."""
    batch, drawn, times = draw(st.integers(1, 4)), draw(st.integers(1, 7)), draw(st.sampled_from([1, 1, 9, 30]))
    score = st.sampled_from([-2.0, -0.0, 0.0, 1.0, 1.0, 3.5])
    rows = st.lists(score, min_size=drawn, max_size=drawn).map(lambda scores: [0.5, *scores * times])
    ids = st.integers(1, drawn * times)
    return (
        draw(st.lists(rows, min_size=batch, max_size=batch)),
        draw(st.lists(ids, min_size=batch, max_size=batch)),
        draw(st.lists(st.lists(ids, max_size=6), min_size=batch, max_size=batch)),
    )


@given(cases(), st.sampled_from([None, Block(1, 1), Block(3, 64), Block(100, 128)]))
@settings(max_examples=150, deadline=None)
def test_equals_the_definition_for_any_block(case, block: Block | None) -> None:
    scores, targets, seen = case
    published, removed = ranks_of(scores, targets, seen, block)
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


@pytest.mark.parametrize("times", [1, 50])
@pytest.mark.parametrize("values", [(math.nan, -1.0, 2.0), (5.0, math.nan, math.nan), (math.nan,) * 3])
def test_a_score_that_is_no_number_never_helps(values: tuple[float, ...], times: int) -> None:
    scores = [0.0, *values * times]
    published, removed = ranks_of([scores], [1], [[3, 3]], Block(8, 64))
    assert published.item() == naive_rank(scores, 1, {3}, removed=False)
    assert removed.item() == naive_rank(scores, 1, {3}, removed=True)


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


@pytest.mark.parametrize("block", [None, Block(64, 64), Block(1, 128)])
@pytest.mark.parametrize("width", [1, 7, 64, 300])
@pytest.mark.parametrize("users", [1, 5, 70])
def test_items_with_the_same_vector_tie_wherever_they_stand(users: int, width: int, block: Block | None) -> None:
    random = torch.Generator().manual_seed(width)
    kinds = torch.randn(3, width, generator=random)
    kind_I = torch.randint(3, (212,), generator=random)
    kind_I[0] = 0
    user, targets = torch.randn(users, width, generator=random), torch.randint(1, 212, (users,), generator=random)
    published, _ = target_ranks(user, kinds[kind_I], targets, torch.zeros(users, 0, dtype=torch.long), block)
    numbers = torch.bincount(kind_I[1:], minlength=3)
    for row, target in enumerate(targets):
        scores = kinds @ user[row]
        above = numbers[scores > scores[kind_I[target]]].sum()
        assert published[row] == above + (numbers[kind_I[target]] - 1) / 2


def test_infinite_scores_are_the_largest_numbers() -> None:
    """The highest ties with the highest, the lowest with the lowest, and neither with a number between."""
    inf = math.inf
    published = [ranks_of([[0.0, -inf, inf, 1.0, inf, -inf]], [target], [[]])[0].item() for target in range(1, 6)]
    assert published == [3.5, 0.5, 2, 0.5, 3.5]


def test_scores_are_never_whole() -> None:
    user, items = torch.randn(100, 3), torch.randn(1001, 3)
    with Largest() as largest:
        target_ranks(user, items, torch.arange(1, 101), torch.arange(200).view(100, 2), Block(32, 64))
    assert largest.elements == 32 * 64


@pytest.mark.parametrize("items", [0, 1, 4385, 8192, 8193, 10**6])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_chosen_block_is_small(items: int, device: str) -> None:
    users, width = _choose_block(items, device)
    assert users >= 1
    assert users * width <= (1 << 20 if device == "cpu" else 1 << 23)
    assert width in (items, 1024, 4096)
