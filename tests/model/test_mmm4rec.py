"""MMM4Rec keeps the contract of every system and of every causal one, under each of its switches."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch

from model import MMM4Rec
from tests.model.causal_contract import CausalContract
from tests.model.contract import BOTH, draw_catalogue

SMALL = {"hidden": 8, "inner": 8, "state": 3, "head_dim": 4, "groups": 2, "time_width": 3, "oscillations": 2}


class TestContract(CausalContract):
    OPTIONS = (
        {},
        {"time": False, "fusion": "dynamic_shared", "skip": "scaled"},
        {"layers": 2, "fusion": "dynamic_instance", "periodic": True, "id_bias": False},
        {"ffn": False, "id_bias": False, "groups": 1, "oscillations": 0, "kernel": 1},
        {"share": False, "layers": 2, "adaptor": "experts"},
    )

    def make(self, modalities: Sequence[str] = BOTH, dropout: float = 0.0, **options: Any) -> MMM4Rec:
        sizes: Mapping[str, Any] = {**SMALL, **options}
        return MMM4Rec(modalities=modalities, dropout=dropout, **sizes)  # type: ignore[arg-type]


def test_a_state_given_away_is_updated_where_it_stands() -> None:
    torch.manual_seed(0)
    system, one = MMM4Rec(**SMALL), torch.ones(3, dtype=torch.long)
    system.bind(2, *draw_catalogue(2))
    _, state = system.encode(one[:, None], one, one[:, None])
    where = {name: tensor.data_ptr() for name, tensor in state.items() if name.endswith("ssd")}
    _, after = system.step(one, one, state, consume=True)
    assert len(where) == 2 and {name: after[name].data_ptr() for name in where} == where


def test_what_a_click_makes_of_the_weights_is_kept_as_long_as_they_stand_still() -> None:
    """Kept, it gives what it gives anew; after the context, changed weights count at once."""
    torch.manual_seed(0)
    system, one = MMM4Rec(**SMALL).eval(), torch.ones(3, dtype=torch.long)
    system.bind(2, *draw_catalogue(2))
    _, state = system.step(one, one, system.start())
    anew, _ = system.step(one, one + 9, state)
    with system.shared_items():
        system.step(one, one, system.start())
        with system.shared_items():
            torch.testing.assert_close(system.step(one, one + 9, state)[0], anew, rtol=0, atol=0)
        assert system._still is not None
        kept = dict(system._still.constants)
        system.step(one, one + 9, state)
        assert kept and all(system._still.constants[name] is made for name, made in kept.items())
    with torch.no_grad():
        for parameter in system.layers.parameters():
            parameter.mul_(1.5)
    changed, _ = system.step(one, one + 9, state)
    with system.shared_items():
        torch.testing.assert_close(system.step(one, one + 9, state)[0], changed, rtol=0, atol=0)
    whole = system.positions(torch.ones(3, 2, dtype=torch.long), torch.stack((one, one + 9), dim=1))[:, 1]
    _, state = system.step(one, one, system.start())
    torch.testing.assert_close(system.step(one, one + 9, state)[0], whole, rtol=1e-5, atol=1e-5)


def test_each_stream_has_its_own_weights_where_they_are_not_shared() -> None:
    shared, apart = (MMM4Rec(**SMALL, share=share) for share in (True, False))
    own = {name for name, _ in apart.named_parameters()} - {name for name, _ in shared.named_parameters()}
    assert own and all(name.startswith("layers.0.image_ssd.") for name in own)


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
