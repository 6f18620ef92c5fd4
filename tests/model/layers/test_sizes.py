"""Numbers outside their range are named, with what may stand there; systems ask."""

from collections.abc import Callable

import pytest

from model import EASE, HM4SR, ContentKNN, ItemKNN, SASRec, SequenceModel
from model.layers.sizes import check_decay, check_sizes, check_temperature


def test_sizes_below_one_are_named() -> None:
    check_sizes(hidden=1, layers=2)
    with pytest.raises(ValueError, match=r"^layers = 0, inner = -1: sizes count from 1"):
        check_sizes(hidden=1, layers=0, inner=-1)


@pytest.mark.parametrize("system", [SASRec, HM4SR])
@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_is_positive(system: Callable[..., SequenceModel], temperature: float) -> None:
    check_temperature(1e-9)
    with pytest.raises(ValueError, match=rf"^temperature = {temperature}: .*above 0"):
        system(temperature=temperature)


@pytest.mark.parametrize("system", [EASE, ItemKNN, ContentKNN])
@pytest.mark.parametrize("decay", [0.0, -0.5, 1.1])
def test_a_decay_is_a_share(system: Callable[..., SequenceModel], decay: float) -> None:
    check_decay(1e-9), check_decay(1.0)
    with pytest.raises(ValueError, match=rf"^decay = {decay}: .*above 0 and at most 1"):
        system(decay=decay)
