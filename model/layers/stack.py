"""Layers one after another, each with a state of its own."""

from typing import Any, TypeVar

from torch import nn

from model.state import Carry

X = TypeVar("X")


class Stack(nn.ModuleList):
    """Layers that are called as ``layer(x, *beside, carry=…)`` and give what the next one takes for x."""

    def forward(self, x: X, *beside: Any, carry: Carry | None = None) -> X:
        """The last layer's output; without layers, x.

        Args:
            x: the first layer's input.
            beside: what every layer reads beside it.
            carry: the stack's; a layer's part of it is named by its number.
        """
        for number, layer in enumerate(self):
            x = layer(x, *beside, carry=carry and carry.of(str(number)))
        return x
