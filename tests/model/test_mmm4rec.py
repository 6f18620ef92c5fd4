"""MMM4Rec keeps the contract of every system and of every causal one, under each of its switches."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from model import MMM4Rec
from tests.model.causal_contract import CausalContract
from tests.model.contract import BOTH

SMALL = {"hidden": 8, "inner": 8, "state": 3, "head_dim": 4, "groups": 2, "time_width": 3, "oscillations": 2}


class TestContract(CausalContract):
    OPTIONS = (
        {},
        {"time": False, "fusion": "dynamic_shared", "skip": "scaled"},
        {"layers": 2, "fusion": "dynamic_instance", "periodic": True, "id_bias": False},
        {"ffn": False, "id_bias": False, "groups": 1, "oscillations": 0, "kernel": 1},
    )

    def make(self, modalities: Sequence[str] = BOTH, dropout: float = 0.0, **options: Any) -> MMM4Rec:
        sizes: Mapping[str, Any] = {**SMALL, **options}
        return MMM4Rec(modalities=modalities, dropout=dropout, **sizes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modalities": []}, "modalities"),
        ({"modalities": ["sound"]}, "sound"),
        ({"head_dim": 5}, "head_dim = 5"),
        ({"hidden": 0}, "hidden"),
        ({"layers": 0}, "layers"),
        ({"time_width": 0}, "time_width"),
        ({"oscillations": -1}, "oscillations"),
        ({"temperature": 0.0}, "temperature"),
    ],
    ids=str,
)
def test_wrong_sizes_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MMM4Rec(**{**SMALL, **options})
