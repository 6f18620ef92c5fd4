"""HM4SR keeps the contract of every system and of every causal one, under each of its switches."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch

from model import HM4SR
from model.layers.gated_experts import GatedExperts
from tests.model.causal_contract import CausalContract
from tests.model.contract import BOTH

SMALL: Mapping[str, Any] = {
    "hidden": 8, "inner": 8, "layers": 1, "heads": 2, "window": 7, "experts": 3, "time_width": 5
}  # fmt: skip


class TestContract(CausalContract):
    OPTIONS = ({}, {"ids": False, "time": False, "temperature": 0.5})

    def make(self, modalities: Sequence[str] = BOTH, dropout: float = 0.0, **options: Any) -> HM4SR:
        return HM4SR(modalities=modalities, dropout=dropout, **{**SMALL, **options})  # type: ignore[arg-type]

    def test_what_came_when_moves_the_user_where_time_is_on(self, options: Mapping[str, Any]) -> None:
        system = self.bound(**options).eval()
        items, lengths, times = self.histories()
        later = times + torch.arange(times.shape[1]) * 10**7 * (items > 0)
        one, other = system.user(items, lengths, times), system.user(items, lengths, later)
        assert torch.equal(one, other) == (not options.get("time", True))


def test_experts_are_a_gated_sum() -> None:
    torch.manual_seed(0)
    experts, x, g = GatedExperts(4, 3, 2), torch.randn(5, 7, 4), torch.randn(5, 7, 3)
    weights = experts.gate(g).softmax(dim=-1)
    each = experts.experts(x).split(4, dim=-1)
    torch.testing.assert_close(experts(x, g), weights[..., :1] * each[0] + weights[..., 1:] * each[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modalities": []}, "modalities"),
        ({"heads": 3}, "heads = 3"),
        ({"experts": 0}, "experts"),
        ({"layers": 0}, "layers"),
        ({"temperature": 0.0}, "temperature"),
    ],
    ids=str,
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HM4SR(**{**SMALL, **options})
