"""Grouping by length must change nothing but the time it takes."""

import torch
from torch import Tensor

from model import WindowMMM4Rec
from model.ops.by_length import by_length


def test_groups_give_the_whole_batch_in_its_order() -> None:
    widths: list[int] = []

    def encode(items: Tensor, lengths: Tensor, timestamps: Tensor) -> Tensor:
        widths.append(items.shape[1])
        assert timestamps.shape == (len(items), 7), "the time path spans the window"
        return torch.stack([items.sum(1), lengths, timestamps.sum(1)], dim=1)

    lengths = torch.tensor([7, 0, 3, 1, 2, 2, 5])
    items = torch.arange(49).view(7, 7) * (torch.arange(7) < lengths[:, None])
    timestamps = torch.arange(49).view(7, 7)
    grouped = by_length(encode, items, lengths, timestamps, rows=2)
    assert widths == [2, 5, 7], "each group is cut to its longest history"
    assert torch.equal(grouped, encode(items, lengths, timestamps))


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
