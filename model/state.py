"""What a causal model keeps of a history: a flat pack of tensors of fixed size, read and written layer by layer.

Shapes: B histories.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, unflatten

Made = TypeVar("Made")

#: Tensors ``(B, …)`` by dotted name; an empty one is the state before any event.
State = dict[str, Tensor]


class Carry:
    """One pass over further events: each part takes its state from before and gives the one after.

    Args:
        before: the state that the pass starts from.
        lengths_B: valid events of each history in this pass; those beyond leave every state alone.
        click: the pass is one event of each history, for which the parts have shorter ways.
        consume: what is taken may be overwritten.
        constants: what parts made of their weights in passes before, while these stand still.
    """

    def __init__(
        self,
        before: Mapping[str, Tensor],
        lengths_B: Tensor,
        click: bool = False,
        consume: bool = False,
        constants: dict[str, Any] | None = None,
    ) -> None:
        self.before, self.click = before, click
        self.consume = consume or not before  # zeros are nobody else's
        self.after: State = {}
        self._constants = {} if constants is None else constants
        self._lengths_B, self._prefix, self._rows = lengths_B, "", 1

    @property
    def lengths_B(self) -> Tensor:
        """Valid events of each row."""
        return self._lengths_B if self._rows == 1 else self._lengths_B.repeat_interleave(self._rows)

    def of(self, name: str, rows: int = 1) -> "Carry":
        """The carry of a named part, to which each history is so many rows, one after another."""
        part = Carry.__new__(Carry)
        vars(part).update(vars(self), _prefix=f"{self._prefix}{name}.", _rows=self._rows * rows)
        return part

    def take(self, name: str, shape: Sequence[int], like: Tensor) -> Tensor:
        """``(B, *shape)``, zeros before the first event; the rows of a history, if many, stand in one of the state.

        Raises:
            ValueError: the state is not of this model, or not of so many histories.
        """
        histories, rows = self._lengths_B.shape[0], self._rows
        if not self.before:
            return like.new_zeros(histories * rows, *shape)
        size = (histories, *shape) if rows == 1 else (histories, rows, *shape)
        found = self.before.get(self._prefix + name)
        if found is None or found.shape != size:
            has = "is missing" if found is None else f"is {tuple(found.shape)}"
            raise ValueError(
                f"{self._prefix}{name} {has} in the state, the model keeps {size} there: the state comes of a model "
                "of other sizes or of another number of histories; encode the histories again"
            )
        return found if rows == 1 else found.flatten(0, 1)

    def give(self, name: str, value: Tensor) -> None:
        """Keep what the next pass takes, in one piece, so that it saves and may be updated where it stands."""
        rows, value = self._rows, value.contiguous()
        self.after[self._prefix + name] = value if rows == 1 else unflatten(value, 0, (value.shape[0] // rows, rows))

    def constant(self, name: str, make: Callable[[], Made]) -> Made:
        """What a part makes of its weights alone: made once for as long as the weights stand still."""
        found = self._constants.get(self._prefix + name)
        if found is not None:
            kept: Made = found
            return kept
        made = make()
        if not torch.compiler.is_compiling():  # whose tensors stand for others
            self._constants[self._prefix + name] = made
        return made

    def finished(self) -> State:
        """The state after the pass.

        Raises:
            ValueError: the state from before holds what no part took.
        """
        if more := sorted(self.before.keys() - self.after.keys()):
            raise ValueError(
                f"{more[0]} is in the state, and the model keeps no such: the state comes of another model; "
                "encode the histories again"
            )
        return self.after


def bytes_a_user(state: State) -> int:
    """Bytes that the state takes for each history."""
    return sum(tensor[0].numel() * tensor.element_size() for tensor in state.values())
