"""Adaptors from features to the model's space."""

import pytest
import torch

from model.layers.adaptor import WhiteningExperts, make_adaptor


def test_experts_are_a_gated_sum_of_whitenings() -> None:
    torch.manual_seed(0)
    experts, x = WhiteningExperts(5, 4, 3).eval(), torch.randn(2, 7, 5)
    torch.nn.init.normal_(experts.shift)
    gate = (x @ experts.gate.weight.T).softmax(dim=-1)
    each = [gate[..., k, None] * ((x - experts.shift[k]) @ experts.weight[k]) for k in range(3)]
    torch.testing.assert_close(experts(x), sum(each))


def test_the_gate_is_noisy_in_training_alone() -> None:
    torch.manual_seed(0)
    experts, x = WhiteningExperts(5, 4, 3), torch.randn(7, 5)
    assert not torch.equal(experts(x), experts(x))
    experts.eval()
    assert torch.equal(experts(x), experts(x))


@torch.no_grad()
def test_noise_is_of_mean_zero_and_of_a_learned_size() -> None:
    torch.manual_seed(0)
    experts, x = WhiteningExperts(2, 3, 2), torch.ones(40_000, 2)
    torch.nn.init.zeros_(experts.gate.weight)
    experts.noise.weight.data = torch.tensor([[0.0, 0.0], [1.0, 0.5]])
    logits = experts._gate(x).log()
    difference = logits[:, 0] - logits[:, 1]
    spread = (torch.nn.functional.softplus(torch.tensor([0.0, 1.5])) ** 2).sum().sqrt()
    assert difference.mean().abs() < 0.05 and difference.std() == pytest.approx(float(spread), rel=0.02)


def test_an_unknown_adaptor_is_named() -> None:
    with pytest.raises(ValueError, match="'mlp'"):
        make_adaptor("mlp", 3, 4)  # type: ignore[arg-type]
