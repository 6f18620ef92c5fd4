"""Attention over a sliding window: against sums written out, and what it keeps."""

import pytest
import torch
from torch import Tensor

from model.layers.attention import WindowAttention
from model.state import Carry

B, L, D, H = 2, 9, 6, 2


def make(window: int, dropout: float = 0.0) -> WindowAttention:
    torch.manual_seed(0)
    attention = WindowAttention(D, H, window, dropout)
    torch.nn.init.normal_(attention.age)
    return attention


def written_out(attention: WindowAttention, x: Tensor) -> Tensor:
    """One query, one head after another."""
    q, k, v = attention.query(x), attention.key(x), attention.value(x)
    y = torch.zeros_like(x)
    for row in range(len(x)):
        for at in range(x.shape[1]):
            seen = range(max(0, at - attention.window + 1), at + 1)
            for head in range(H):
                part = slice(head * D // H, (head + 1) * D // H)
                scores = torch.stack(
                    [q[row, at, part] @ k[row, j, part] / (D / H) ** 0.5 + attention.age[head, at - j] for j in seen]
                )
                y[row, at, part] = scores.softmax(dim=0) @ v[row, list(seen), part]
    out: Tensor = attention.out(y)
    return out


@pytest.mark.parametrize("window", [1, 2, 4, 9, 50])
def test_it_is_the_sum_over_the_window(window: int) -> None:
    attention, x = make(window), torch.randn(B, L, D)
    torch.testing.assert_close(attention(x), written_out(attention, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("window", [1, 4, 50])
def test_any_cut_gives_the_same(window: int) -> None:
    attention, x = make(window), torch.randn(B, L, D)
    whole = attention(x)
    for cut in (1, 4, 8):
        state: dict[str, Tensor] = {}
        parts = []
        for piece in torch.split(x, cut, dim=1):
            carry = Carry(state, torch.full((B,), piece.shape[1]))
            parts.append(attention(piece, carry))
            state = carry.finished()
        torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=1e-4, atol=1e-5)
        assert state["keys"].shape == (B, window - 1, D)
        assert state["events"].tolist() == [min(L, window - 1)] * B


def test_ages_beyond_the_history_have_no_gradient() -> None:
    attention = make(window=20)
    attention(torch.randn(1, 5, D)).square().sum().backward()
    assert attention.age.grad is not None
    assert (attention.age.grad != 0).any(dim=0).tolist() == [True] * 5 + [False] * 15


def test_dropout_acts_in_training_alone() -> None:
    attention, x = make(4, dropout=0.5), torch.randn(B, L, D)
    assert not torch.equal(attention(x), attention(x))
    attention.eval()
    assert torch.equal(attention(x), attention(x))
