"""A stack calls its layers in their order, each with its own part of the carry."""

import torch
from torch import Tensor, nn

from model.layers.stack import Stack
from model.state import Carry


class Adder(nn.Module):
    """``2·x + beside + what came before``; keeps its input."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = nn.Parameter(torch.tensor(2.0))

    def forward(self, x_B: Tensor, beside: float = 0.0, carry: Carry | None = None) -> Tensor:
        before_B = torch.zeros(()) if carry is None else carry.take("input", (), x_B)
        if carry is not None:
            carry.give("input", x_B)
        return self.twice * x_B + beside + before_B


def test_layers_follow_each_other_and_all_read_what_stands_beside() -> None:
    x_B = torch.tensor([1.0, 5.0])
    assert torch.equal(Stack([Adder(), Adder()])(x_B), 4 * x_B)
    assert torch.equal(Stack([Adder(), Adder()])(x_B, 1.0), 4 * x_B + 3)
    assert Stack()(x_B) is x_B


def test_names_of_weights_and_states_are_the_layers_numbers() -> None:
    layers, x_B = Stack([Adder(), Adder()]), torch.tensor([1.0, 5.0])
    assert list(layers.state_dict()) == ["0.twice", "1.twice"]
    first = Carry({}, torch.ones(2, dtype=torch.long))
    layers(x_B, carry=first.of("layers"))
    state = first.finished()
    assert list(state) == ["layers.0.input", "layers.1.input"]
    torch.testing.assert_close(state["layers.1.input"], 2 * x_B)
    second = Carry(state, torch.ones(2, dtype=torch.long))
    # each layer adds its own input of before: 2·(2·3 + x) + 2·x
    torch.testing.assert_close(layers(torch.full((2,), 3.0), carry=second.of("layers")), 12 + 4 * x_B)
    assert second.finished().keys() == state.keys()
