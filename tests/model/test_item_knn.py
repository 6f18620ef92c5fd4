"""ItemKNN: the contract, and cosines worked by hand."""

from typing import Any

import pytest
import torch

from model import ItemKNN
from tests.model.closed_form_contract import ClosedFormContract, had, padded

HISTORIES = [[1, 2, 2, 3], [2, 3], [3, 1, 4], [5], [4, 4, 4, 1]]


class TestContract(ClosedFormContract):
    OPTIONS = ({}, {"neighbours": 2, "shrink": 3.0, "decay": 0.8})

    def make(self, **options: Any) -> ItemKNN:
        return ItemKNN(**options)


def weights(**options: Any) -> torch.Tensor:
    system = ItemKNN(**options)
    system.bind(6, {}, {})
    system.reset()
    system.count(padded(HISTORIES))
    system.solve()
    return system.item_vectors()[1:, 1:]


def test_weights_are_cosines_of_users() -> None:
    X = had(HISTORIES, 6)
    lengths = X.norm(dim=0)
    cosines = (X.T @ X) / torch.outer(lengths, lengths).clamp(min=1e-9)
    torch.testing.assert_close(weights(), cosines.fill_diagonal_(0).float())


def test_shrinking_makes_little_of_few_users() -> None:
    assert weights(shrink=2.0)[1, 2] == pytest.approx(2 / (6**0.5 + 2))  # 2 of 2 and of 3 users


def test_each_item_speaks_for_its_nearest_and_for_ties_with_them() -> None:
    """Item 1 is as near to 3 as to nobody else: 2 of 3 users, and of item 4 both users of two."""
    whole, nearest = weights(), weights(neighbours=1)
    for column in range(6):
        best = whole[:, column].max()
        expected = torch.where(whole[:, column] == best, whole[:, column], 0.0)
        assert torch.equal(nearest[:, column], expected)
    assert (nearest > 0).sum() < (whole > 0).sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"neighbours": 0}, "neighbours"), ({"shrink": -1.0}, "shrink"), ({"decay": 0.0}, "decay")],
    ids=str,
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ItemKNN(**options)
