"""States of causal models in files, for a restart or another machine."""

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from data.files import atomic_file
from model.state import State

#: What tells the file of a state from other safetensors files.
_MARK = {"tributary": "state 1"}


def save_state(state: State, path: Path) -> None:
    """Write a state to a safetensors file, whole or not at all; ``load_state`` reads it, on any machine."""
    with atomic_file(path) as part:
        save_file({name: tensor.detach().contiguous() for name, tensor in state.items()}, part, _MARK)


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
