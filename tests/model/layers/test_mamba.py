"""The Mamba block against its equations, one position after another."""

import torch
import torch.nn.functional as F

from model.layers.mamba import Mamba


def test_it_is_its_equations() -> None:
    torch.manual_seed(0)
    block, x = Mamba(hidden=20, state=3, kernel=3), torch.randn(2, 9, 20)
    assert block.dt_proj.weight.shape == (40, 2), "rank ⌈d/16⌉"
    inner, z = block.in_proj(x).split(40, dim=-1)
    padded = F.pad(inner, (0, 0, 2, 0))
    taps = block.conv.weight.squeeze(1)
    state, steps = torch.zeros(2, 40, 3), []
    for at in range(9):
        u = F.silu(sum((padded[:, at + k] * taps[:, k] for k in range(3)), block.conv.bias))
        low, B, C = block.x_proj(u).split([2, 3, 3], dim=-1)
        dt = F.softplus(block.dt_proj(low))
        state = torch.exp(-dt[..., None] * block.A_log.exp()) * state + (dt * u)[..., None] * B[:, None]
        y = (state * C[:, None]).sum(dim=-1) + block.D * u
        steps.append(block.out_proj(y * F.silu(z[:, at])))
    torch.testing.assert_close(block(x), torch.stack(steps, dim=1), rtol=1e-4, atol=1e-5)


def test_steps_start_between_a_thousandth_and_a_tenth() -> None:
    block = Mamba(hidden=8, state=2)
    dt = F.softplus(block.dt_proj.bias)
    assert (dt > 0.99e-3).all() and (dt < 1.01e-1).all() and dt.std() > 0
