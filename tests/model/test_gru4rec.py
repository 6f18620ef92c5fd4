"""GRU4Rec keeps the contract of every system and of every causal one, under each of its switches."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from model import GRU4Rec
from tests.model.causal_contract import CausalContract
from tests.model.contract import BOTH


class TestContract(CausalContract):
    OPTIONS = ({}, {"layers": 2, "ids": False}, {"normalise": True, "adaptor": "experts", "temperature": 0.5})

    def make(self, modalities: Sequence[str] = BOTH, dropout: float = 0.0, **options: Any) -> GRU4Rec:
        sizes: Mapping[str, Any] = {"hidden": 8, "inner": 12, **options}
        return GRU4Rec(modalities=modalities, dropout=dropout, **sizes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modalities": ["sound"]}, "sound"),
        ({"modalities": ["text", "text"]}, "each once"),
        ({"ids": False}, "alike"),
        ({"hidden": 0}, "hidden"),
        ({"inner": 0}, "inner"),
        ({"layers": 0}, "layers"),
        ({"temperature": 0.0}, "temperature"),
        ({"dropout": 1.0}, "dropout"),
    ],
    ids=str,
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GRU4Rec(**options)
