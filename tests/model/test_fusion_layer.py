"""A layer read at its end gives what the whole layer gives there."""

import pytest
import torch

from model.layers.conv import CausalConv
from model.layers.fusion_layer import FusionLayer, Streams
from model.layers.ssd import SSDSizes
from model.layers.window_time import WindowTime


@pytest.mark.parametrize("kernel", [1, 4])
@pytest.mark.parametrize("timed", [False, True], ids=["order", "time"])
@pytest.mark.parametrize("inner", [None, 8], ids=["bare", "ffn"])
@pytest.mark.parametrize("share", [True, False], ids=["shared", "apart"])
def test_the_last_position_is_the_whole_layers(kernel: int, timed: bool, inner: int | None, share: bool) -> None:
    torch.manual_seed(0)
    sizes = SSDSizes(hidden=8, expand=2, head_dim=4, groups=2, state=3, kernel=kernel)
    time = WindowTime(7, sizes.heads, kernel, False, 0.0, 1e-12) if timed else None
    layer = FusionLayer(sizes, inner, time, 0.0, 1e-12, share).double()
    lengths = torch.tensor([5, 1, 3, 2, 0])
    text, image = (torch.randn(5, 5, 8, dtype=torch.float64, requires_grad=True) for _ in range(2))
    streams = Streams(text, image, torch.randn(10, sizes.heads, 7, dtype=torch.float64) if timed else None)
    whole = layer(streams).image[torch.arange(5), (lengths - 1).clamp(min=0)]
    last = layer.last(streams, lengths)
    torch.testing.assert_close(last, whole, rtol=1e-9, atol=1e-9)
    learned = [text, image, *layer.parameters()]
    upstream = torch.randn_like(whole)
    ours, theirs = (torch.autograd.grad(out, learned, upstream, allow_unused=True) for out in (last, whole))
    for one, other in zip(ours, theirs, strict=True):
        assert (one is None) == (other is None)
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-8)


def test_a_convolution_in_parts_is_the_whole() -> None:
    torch.manual_seed(0)
    conv, x = CausalConv(9, 3), torch.randn(2, 6, 9)
    parts = [part(chunk) for part, chunk in zip(conv.split([4, 3, 2]), x.split([4, 3, 2], dim=-1), strict=True)]
    torch.testing.assert_close(torch.cat(parts, dim=-1), conv(x))
