"""EASE: the contract and its optimum; tests/trainer/test_counting.py has its figures on a real shop."""

from typing import Any

import pytest
import torch

from model import EASE
from tests.model.closed_form_contract import ClosedFormContract, had, padded

HISTORIES = [[1, 2, 2, 3], [2, 3], [3, 1, 4], [5], [4, 4, 4, 1]]


class TestContract(ClosedFormContract):
    OPTIONS = ({}, {"regularisation": 1.0, "decay": 0.5})

    def make(self, **options: Any) -> EASE:
        return EASE(**options)


def solved(regularisation: float = 0.7, **options: Any) -> EASE:
    system = EASE(regularisation=regularisation, **options)
    system.bind(6, {}, {})
    system.reset()
    system.count(padded(HISTORIES))
    system.solve()
    return system


def test_it_is_the_minimum_of_its_loss() -> None:
    """``|X - XB|² + λ|B|²`` with a diagonal of 0: the gradient of every other entry vanishes."""
    system, X = solved(), had(HISTORIES, 6)
    B = system.item_vectors()[1:, 1:].T.double().clone().requires_grad_()
    assert not B.diagonal().any()
    loss = (X - X @ B).square().sum() + 0.7 * B.square().sum()
    (gradient,) = torch.autograd.grad(loss, B)
    torch.testing.assert_close(gradient.fill_diagonal_(0), torch.zeros(6, 6, dtype=torch.float64), rtol=0, atol=1e-6)
    assert gradient.shape == (6, 6) and B.abs().max() > 0.1


def test_users_are_what_they_had() -> None:
    items, lengths = padded(HISTORIES), torch.tensor([len(h) for h in HISTORIES])
    user = solved().user(items, lengths, torch.zeros_like(items))
    assert torch.equal(user[:, 1:].double(), had(HISTORIES, 6)) and not user[:, 0].any()
    recent = solved(decay=0.5).user(items[:1], lengths[:1], items[:1])
    assert recent[0].tolist() == [0, 0.125, 0.5, 1, 0, 0, 0]


def test_a_large_catalogue_is_refused_with_its_memory() -> None:
    with pytest.raises(ValueError, match=r"30000 items takes 29 GB, its limit is 20000"):
        EASE().bind(30_000, {}, {})


@pytest.mark.parametrize(
    ("options", "message"),
    [({"regularisation": 0.0}, "regularisation"), ({"decay": 0.0}, "decay"), ({"decay": 1.5}, "decay")],
    ids=str,
)
def test_wrong_options_are_named(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EASE(**options)
