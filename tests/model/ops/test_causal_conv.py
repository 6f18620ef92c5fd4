"""The causal depthwise convolution against PyTorch's, and by hand."""

from importlib.util import find_spec

import pytest
import torch
import torch.nn.functional as F

from model.ops.causal_conv import causal_conv


@pytest.mark.parametrize("kernel", [1, 2, 4])
@pytest.mark.parametrize("length", [1, 3, 21])
def test_equals_a_left_padded_conv1d(length: int, kernel: int) -> None:
    torch.manual_seed(0)
    tensors = [torch.randn(*shape, dtype=torch.float64) for shape in ((2, length, 5), (5, kernel), (5,))]
    x, weight, bias = (tensor.clone().requires_grad_() for tensor in tensors)
    x2, weight2, bias2 = (tensor.clone().requires_grad_() for tensor in tensors)
    ours = causal_conv(x, weight, bias)
    padded = F.pad(x2.transpose(1, 2), (kernel - 1, 0))
    theirs = F.conv1d(padded, weight2.unsqueeze(1), bias2, groups=5).transpose(1, 2)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    ours.square().sum().backward()
    theirs.square().sum().backward()
    for one, other in ((x, x2), (weight, weight2), (bias, bias2)):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-10, atol=1e-10)


def test_the_last_weight_is_for_now() -> None:
    x = torch.tensor([[[1.0], [10.0], [100.0]]])
    y = causal_conv(x, torch.tensor([[2.0, 3.0]]), torch.tensor([0.5]))
    assert y.flatten().tolist() == [3.5, 2 + 30 + 0.5, 20 + 300 + 0.5]


def test_nothing_before_a_change_moves() -> None:
    torch.manual_seed(0)
    x, weight, bias = torch.randn(2, 9, 3), torch.randn(3, 4), torch.randn(3)
    changed = x.clone()
    changed[:, 5:] += 1
    before, after = causal_conv(x, weight, bias), causal_conv(changed, weight, bias)
    assert torch.equal(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5], after[:, 5])


def test_a_form_that_cannot_run_is_refused() -> None:
    x, weight, bias = torch.randn(2, 9, 8), torch.randn(8, 4), torch.randn(8)
    with pytest.raises(ValueError, match="not on CUDA"):
        causal_conv(x, weight, bias, form="cuda")
    with pytest.raises(ValueError, match="no form 'fast'"):
        causal_conv(x, weight, bias, form="fast")  # type: ignore[arg-type]


@pytest.mark.skipif(
    not torch.cuda.is_available() or find_spec("causal_conv1d") is None, reason="needs a GPU and causal_conv1d"
)
def test_the_kernel_gives_what_torch_gives() -> None:
    torch.manual_seed(0)
    x, weight, bias = torch.randn(2, 33, 16).cuda(), torch.randn(16, 4).cuda(), torch.randn(16).cuda()
    torch.testing.assert_close(
        causal_conv(x, weight, bias, "cuda"), causal_conv(x, weight, bias, "torch"), rtol=1e-3, atol=1e-3
    )
