"""The causal low-pass filter: gains and sums written out."""

import math

import torch

from model.layers.low_pass import LowPass


def test_it_is_a_moving_average_of_weights_that_add_up_to_one() -> None:
    low_pass, x = LowPass(3), torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(0))
    r = torch.exp(-low_pass.log_damping.exp())
    y = torch.zeros(2, 3)
    for at in range(7):
        y = r * y + (1 - r) * x[:, at]
        torch.testing.assert_close(low_pass(x)[:, at], y)


def test_slow_passes_and_fast_does_not() -> None:
    low_pass, steps = LowPass(4), torch.arange(400)
    for frequency, least, most in ((0.0, 0.99, 1.01), (0.001, 0.9, 1.01), (math.pi, 0.0, 0.3)):
        wave = torch.cos(frequency * steps)[None, :, None].expand(1, -1, 4)
        passed = low_pass(wave)[0, 200:].abs().amax(dim=0)
        assert (passed >= least).all() and (passed <= most).all(), frequency
