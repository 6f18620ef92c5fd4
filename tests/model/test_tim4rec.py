"""TiM4Rec keeps the contract of every system and of every causal one, under each of its switches."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from model import TiM4Rec
from tests.model.causal_contract import CausalContract
from tests.model.contract import BOTH

SMALL: Mapping[str, Any] = {"hidden": 8, "state": 3, "head_dim": 4, "time_width": 5}


class TestContract(CausalContract):
    OPTIONS = ({}, {"layers": 2, "ids": False, "groups": 4}, {"time": False})

    def make(self, modalities: Sequence[str] = BOTH, dropout: float = 0.0, **options: Any) -> TiM4Rec:
        return TiM4Rec(modalities=modalities, dropout=dropout, **{**SMALL, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"state": 0}, "state"),
        ({"layers": 0}, "layers"),
        ({"head_dim": 5}, "head_dim = 5"),
        ({"time_width": 0}, "time_width"),
    ],
    ids=str,
)
def test_wrong_sizes_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TiM4Rec(**{**SMALL, **options})
