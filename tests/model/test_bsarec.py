"""BSARec keeps the contract of every system and of every causal one, under each of its switches."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from model import BSARec
from tests.model.causal_contract import CausalContract
from tests.model.contract import BOTH

SMALL: Mapping[str, Any] = {"hidden": 8, "inner": 8, "layers": 2, "heads": 2, "window": 5}


class TestContract(CausalContract):
    OPTIONS = ({}, {"layers": 1, "window": 20, "ids": False, "alpha": 0.4})

    def make(self, modalities: Sequence[str] = BOTH, dropout: float = 0.0, **options: Any) -> BSARec:
        return BSARec(modalities=modalities, dropout=dropout, **{**SMALL, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": 3}, "heads = 3"),
        ({"alpha": 1.1}, "alpha"),
        ({"layers": 0}, "layers"),
        ({"inner": 0}, "inner"),
    ],
    ids=str,
)
def test_wrong_sizes_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BSARec(**{**SMALL, **options})
