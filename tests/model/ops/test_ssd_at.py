"""The SSD read at few positions, against the operator at all of them."""

import pytest
import torch
from torch import Tensor

from model.ops.last import last_positions, take, widen
from model.ops.ssd import Skip, ssd
from model.ops.ssd_at import ssd_at


def draw(groups: int, length: int = 9) -> list[Tensor]:
    torch.manual_seed(0)
    shapes = [(3, length, 4, 5), (3, length, 4), (4,), (3, length, groups, 6), (3, length, groups, 6), (4,)]
    x, dt, A, B, C, D = (torch.randn(*shape, dtype=torch.float64) for shape in shapes)
    return [tensor.requires_grad_() for tensor in (x, dt.exp(), -A.exp(), B, C, D)]


@pytest.mark.parametrize("skip", ["scaled", "plain"])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("reads", [1, 4])
def test_equals_the_whole_at_those_positions(reads: int, groups: int, skip: Skip) -> None:
    inputs = draw(groups)
    at = last_positions(torch.tensor([9, 1, 6]), reads)
    x, dt, A, B, C, D = inputs
    ours = ssd_at(x, dt, A, B, take(C, at), D, at, skip)
    theirs = take(ssd(x, dt, A, B, C, D, skip), at) * (at >= 0)[..., None, None]
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    upstream = torch.randn_like(ours)
    for one, other in zip(
        torch.autograd.grad(ours, inputs, upstream), torch.autograd.grad(theirs, inputs, upstream), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_last_positions_and_those_before() -> None:
    at = last_positions(torch.tensor([5, 1, 0]), 2)
    assert at.tolist() == [[3, 4], [-1, 0], [-1, 0]], "an empty history has one padding position"
    assert widen(at, 2).tolist() == [[1, 2, 3, 4], [-3, -2, -1, 0], [-3, -2, -1, 0]]
    assert torch.equal(widen(at, 0), at)


def test_take_gathers_per_row() -> None:
    x = torch.arange(12).view(2, 3, 2)
    assert take(x, torch.tensor([[2, 0], [1, -1]])).tolist() == [[[4, 5], [0, 1]], [[8, 9], [6, 7]]]
