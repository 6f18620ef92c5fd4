"""A linear map to many outputs is torch's but for where its weight lies, which no way of copying it changes."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from model.layers.linear import WideLinear, split_linear


def lies_by_inputs(weight: Tensor) -> bool:
    return weight.T.is_contiguous() and not weight.is_contiguous()


def trained(linear: nn.Linear) -> nn.Linear:
    optimizer = torch.optim.NAdam(linear.parameters())
    linear(torch.ones(2, 5)).square().sum().backward()
    assert linear.weight.grad is not None and lies_by_inputs(linear.weight.grad)
    optimizer.step()
    return linear


def loaded(linear: nn.Linear) -> nn.Linear:
    """From a checkpoint whose weights lie as torch's do."""
    linear.load_state_dict(nn.Linear(5, 7).state_dict())
    return linear


@pytest.mark.parametrize("change", [lambda same: same, copy.deepcopy, nn.Module.double, trained, loaded])
def test_its_weight_lies_by_its_inputs(change: Callable[[nn.Linear], nn.Linear]) -> None:
    linear = change(WideLinear(5, 7))
    assert linear.weight.shape == (7, 5) and lies_by_inputs(linear.weight)


def test_it_gives_what_linear_gives_whole_and_in_parts() -> None:
    wide, plain, x = WideLinear(5, 7), nn.Linear(5, 7), torch.randn(2, 3, 5)
    wide.load_state_dict(plain.state_dict())
    torch.testing.assert_close(wide(x), plain(x))
    torch.testing.assert_close(torch.cat([part(x) for part in split_linear(wide, [4, 0, 3])], dim=-1), plain(x))
