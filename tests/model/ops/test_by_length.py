"""Grouping by length must change nothing but the time it takes."""

import pytest
import torch
from torch import Tensor

from model import MMM4Rec, WindowMMM4Rec
from model.ops.by_length import Limits, by_length, each_by_length
from tests.model.contract import draw_catalogue, draw_histories


def test_groups_give_the_whole_batch_in_its_order() -> None:
    widths: list[int] = []

    def encode(items: Tensor, lengths: Tensor, timestamps: Tensor) -> Tensor:
        widths.append(items.shape[1])
        assert timestamps.shape == (len(items), 7), "the time path spans the window"
        return torch.stack([items.sum(1), lengths, timestamps.sum(1)], dim=1)

    lengths = torch.tensor([7, 0, 3, 1, 2, 2, 5])
    items = torch.arange(49).view(7, 7) * (torch.arange(7) < lengths[:, None])
    timestamps = torch.arange(49).view(7, 7)
    grouped = by_length(encode, items, lengths, timestamps, Limits(10, 100))
    assert widths == [2, 5, 7], "each group is cut to its longest history"
    assert torch.equal(grouped, encode(items, lengths, timestamps))


def test_padding_ends_a_group() -> None:
    widths: list[tuple[int, ...]] = []

    def encode(items: Tensor, lengths: Tensor, timestamps: Tensor) -> Tensor:
        widths.append(tuple(items.shape))
        return lengths

    lengths, items = torch.tensor([1, 9, 1, 2, 9, 8]), torch.zeros(6, 9, dtype=torch.long)
    assert torch.equal(by_length(encode, items, lengths, items, Limits(1000, 2)), lengths)
    assert widths == [(3, 2), (3, 9)]


def test_a_model_gives_the_same_vectors_and_gradients() -> None:
    torch.manual_seed(0)
    model = WindowMMM4Rec(hidden=8, inner=8, state=4, head_dim=8, groups=1, window=9, layers=2)
    model.bind(
        12,
        {name: torch.randn(12, 5) for name in ("text", "image")},
        {name: torch.ones(12, dtype=torch.bool) for name in ("text", "image")},
    )
    model.eval()
    lengths = torch.randint(0, 10, (600,))
    valid = torch.arange(9) < lengths[:, None]
    items = torch.randint(1, 13, (600, 9)) * valid
    timestamps = torch.randint(0, 10**6, (600, 9)).cumsum(1) * valid
    weights = torch.randn(600, 8)

    def gradients(user: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad((user * weights).sum(), list(model.layers.parameters())))

    grouped, whole = model.user(items, lengths, timestamps), model._encode(items, lengths, timestamps)
    torch.testing.assert_close(grouped, whole, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradients(grouped), gradients(whole), rtol=1e-3, atol=1e-3)


# -- every position -----------------------------------------------------------------------------------


def test_wanted_positions_come_row_by_row_whatever_the_groups() -> None:
    """Row r's position l is the number 10·r + l; one row wants none, one has no event, one only its last."""
    widths: list[int] = []

    def encode(items: Tensor, timestamps: Tensor) -> Tensor:
        widths.append(items.shape[1])
        return torch.stack([items, timestamps], dim=-1)

    lengths = torch.tensor([7, 0, 3, 1, 2, 2, 5])
    valid = torch.arange(7) < lengths[:, None]
    items = 10 * torch.arange(7)[:, None] + torch.arange(7)
    wanted = valid.clone()
    wanted[4], wanted[6, :4], wanted[0, 2] = False, False, False
    found = each_by_length(encode, items, lengths, -items, wanted, Limits(7, 100))
    assert widths == [2, 3, 5, 7], "each group is cut to its longest history"
    assert torch.equal(found, torch.stack([items, -items], dim=-1)[wanted])
    assert found[:, 0].tolist() == [0, 1, 3, 4, 5, 6, 20, 21, 22, 30, 50, 51, 64]


@pytest.mark.parametrize("limits", [Limits(1, 0), Limits(5, 2), Limits(100, 0), Limits()], ids=str)
def test_one_position_or_none_in_groups_of_any_size(limits: Limits) -> None:
    lengths, items = torch.tensor([2, 3, 0, 1, 3]), torch.arange(15).view(5, 3)
    for wanted in (torch.zeros(5, 3, dtype=torch.bool), torch.arange(15).view(5, 3) == 4):
        found = each_by_length(lambda i, t: torch.stack([i, t], -1), items, lengths, items, wanted, limits)
        assert found.tolist() == [[4, 4]] * int(wanted.sum())


def test_a_causal_model_gives_the_same_vectors_and_gradients_at_every_position() -> None:
    torch.manual_seed(0)
    model = MMM4Rec(hidden=8, inner=8, state=4, head_dim=8, groups=1, time_width=3, layers=2, dropout=0.0)
    model.bind(12, *draw_catalogue(12))
    items, lengths, times = draw_histories(torch.randint(0, 10, (500,)).tolist(), 9, 12)
    wanted = (torch.arange(9) < lengths[:, None]) & (torch.rand(500, 9) < 0.7)
    weights = torch.randn(int(wanted.sum()), 8)

    def gradients(users_Td: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad((users_Td * weights).sum(), list(model.layers.parameters())))

    grouped, whole = model.users(items, lengths, times, wanted), model.positions(items, times)[wanted]
    torch.testing.assert_close(grouped, whole, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradients(grouped), gradients(whole), rtol=1e-3, atol=1e-3)
