"""What a causal model keeps of a history: a flat pack of tensors of fixed size, read and written layer by layer.

Shapes: B histories.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

#: Tensors ``(B, …)`` by dotted name; an empty one is the state before any event.
State = dict[str, Tensor]

#: What tells the file of a state from other safetensors files.
_MARK = {"tributary": "state 1"}


class Carry:
    """One pass over further events: each part takes its state from before and gives the one after.

    Args:
        before: the state that the pass starts from.
        lengths_B: valid events of each history in this pass; those beyond leave every state alone.
        click: the pass is one event of each history, for which the parts have shorter ways.
    """

    def __init__(self, before: Mapping[str, Tensor], lengths_B: Tensor, click: bool = False) -> None:
        self.before, self.lengths_B, self.click = before, lengths_B, click
        self.after: State = {}
        self._prefix = ""

    def of(self, name: str) -> "Carry":
        """The carry of a named part."""
        part = Carry(self.before, self.lengths_B, self.click)
        part.after, part._prefix = self.after, f"{self._prefix}{name}."
        return part

    def take(self, name: str, shape: Sequence[int], like: Tensor) -> Tensor:
        """``(B, *shape)``, zeros before the first event.

        Raises:
            ValueError: the state is not of this model, or not of so many histories.
        """
        size = (len(self.lengths_B), *shape)
        if not self.before:
            return like.new_zeros(size)
        found = self.before.get(self._prefix + name)
        if found is None or found.shape != torch.Size(size):
            has = "is missing" if found is None else f"is {tuple(found.shape)}"
            raise ValueError(
                f"{self._prefix}{name} {has} in the state, the model keeps {size} there: the state comes of a model "
                "of other sizes or of another number of histories; encode the histories again"
            )
        return found

    def give(self, name: str, value: Tensor) -> None:
        """Keep what the next pass takes."""
        self.after[self._prefix + name] = value

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


def save_state(state: State, path: Path) -> None:
    """Write a state to a safetensors file, whole or not at all; ``load_state`` reads it, on any machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        save_file({name: tensor.detach().contiguous() for name, tensor in state.items()}, temporary, _MARK)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_state(path: Path) -> State:
    """The state that ``save_state`` wrote, on the CPU.

    Raises:
        ValueError: there is no such file, it is damaged, or it holds something else.
    """
    remedy = "encode the histories again, and keep what that gives with save_state"
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).items() >= _MARK.items():
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 — no mapping
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{path}: cannot be read as a state ({error}): {remedy}") from None
    raise ValueError(f"{path}: is no state of a causal model: {remedy}")
