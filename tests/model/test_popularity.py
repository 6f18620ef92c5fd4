"""Popularity: the contract, and the counts."""

from typing import Any

import torch

from model import Popularity
from tests.model.closed_form_contract import ClosedFormContract, padded


class TestContract(ClosedFormContract):
    def make(self, **options: Any) -> Popularity:
        return Popularity(**options)


def test_everyone_is_shown_what_most_events_had() -> None:
    system = Popularity()
    system.bind(5, {}, {})
    system.reset()
    system.count(padded([[1, 2, 2], [2, 4]]))
    system.count(padded([[4]]))
    system.solve()
    nobody = torch.zeros(2, 1, dtype=torch.long)
    scores = system.score(nobody, torch.zeros(2, dtype=torch.long), nobody)
    torch.testing.assert_close(scores[0].exp() - 1, torch.tensor([0.0, 1, 3, 0, 2, 0]))
    assert torch.equal(scores[0], scores[1])
