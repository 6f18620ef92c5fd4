"""A causal model's click as machine code in a file: compiled once, then loaded by any process that serves.

Shapes: B users, d width.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch._inductor import aoti_compile_and_package, aoti_load_package

from model.causal import CausalModel
from model.state import State

Click = Callable[[Tensor, Tensor, State], tuple[Tensor, State]]
_Layout = dict[str, tuple[list[int], str]]
"""Sizes, the first the number of users, and dtype of each tensor of a state."""

#: In place, torch 2.13's code overwrites a stream that is read once more, and gives wrong vectors.
_SETTINGS = {"inplace_buffers": False}


class CompiledStep:
    """``CausalModel.step`` of a fixed number of users; made by ``load_step``.

    Args:
        run: the code.
        layout: of the state that it takes and gives.
    """

    def __init__(self, run: Click, layout: _Layout) -> None:
        self._run, self._layout = run, layout
        self.users = next(iter(layout.values()))[0][0]

    def start(self) -> State:
        """The state before any event."""
        return {name: torch.zeros(size, dtype=getattr(torch, dtype)) for name, (size, dtype) in self._layout.items()}

    def __call__(self, items_B: Tensor, timestamps_B: Tensor, state: State) -> tuple[Tensor, State]:
        """``(user vectors (B, d), state)`` after one more event of each user; the given state is left alone.

        Raises:
            ValueError: items, timestamps or state are not of so many users, or the state is of another model.
        """
        ids = ([self.users], "int64")
        _check({"items": items_B, "timestamps": timestamps_B}, {"items": ids, "timestamps": ids})
        _check(state, self._layout)
        state = {name: state[name].contiguous() for name in self._layout}  # the code reads one layout only
        return self._run(items_B.contiguous(), timestamps_B.contiguous(), state)


def export_step(model: CausalModel, users: int, path: Path) -> None:
    """Compile one click of so many users on a CPU into a file; takes about half a minute and a C++ compiler.

    The weights and the projected item table are in it: a changed model or catalogue is compiled again. The code is
    for this kind of processor, this torch and as many threads as torch has now.

    Args:
        model: in evaluation mode, on the CPU.
        users: who click at once.
        path: ends in ``.pt2``.

    Raises:
        ValueError: no users, another ending, a model that trains or is elsewhere.
        RuntimeError: the compiled step does not give what the model gives.
    """
    device = next(model.parameters()).device.type
    if users < 1 or path.suffix != ".pt2" or model.training or device != "cpu":
        raise ValueError(
            f"export_step of {users} users to {path} of a model {'training' if model.training else 'on ' + device}: "
            "give at least one user, a path that ends in .pt2, and a model in evaluation mode on the CPU"
        )
    with torch.no_grad(), model.shared_items():
        items_B = torch.arange(users) % (len(model.item_vectors()) - 1) + 1
        times_B = torch.full_like(items_B, 1_500_000_000)
        _, state = model.step(items_B, times_B, model.start())  # makes what the code takes ready made of the weights
        given = (items_B, times_B + 86_400, state)
        program = torch.export.export(_Step(model), given)
        layout = {name: (list(told.shape), str(told.dtype).removeprefix("torch.")) for name, told in state.items()}
        settings = {**_SETTINGS, "aot_inductor.metadata": {"state": json.dumps(layout)}}
        aoti_compile_and_package(program, package_path=str(path), inductor_configs=settings)
        _compare(load_step(path)(*given), model.step(*given))


def load_step(path: Path) -> CompiledStep:
    """What ``export_step`` wrote. It is machine code: load no file that you did not make."""
    code = aoti_load_package(str(path))
    return CompiledStep(code, json.loads(code.get_metadata()["state"]))


class _Step(nn.Module):
    """``step`` as the forward pass that is compiled."""

    def __init__(self, model: CausalModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, items_B: Tensor, timestamps_B: Tensor, state: State) -> tuple[Tensor, State]:
        return self.model.step(items_B, timestamps_B, state)


def _check(given: Mapping[str, Tensor], layout: _Layout) -> None:
    if odd := sorted(given.keys() ^ layout.keys()):
        raise ValueError(f"{odd[0]} is not in both the state and the compiled model: the state is of another model")
    for name, (size, dtype) in layout.items():
        found = given[name]
        if list(found.shape) != size or str(found.dtype) != f"torch.{dtype}" or found.device.type != "cpu":
            raise ValueError(
                f"{name} is {tuple(found.shape)} of {found.dtype} on {found.device}, the compiled step takes "
                f"{tuple(size)} of torch.{dtype} on the CPU: it is of another model, or compiled for other users"
            )


def _compare(ours: tuple[Tensor, State], theirs: tuple[Tensor, State]) -> None:
    pairs = [(ours[0], theirs[0]), *((ours[1][name], theirs[1][name]) for name in theirs[1])]
    if not all(torch.allclose(one, other, rtol=1e-4, atol=1e-4) for one, other in pairs):
        raise RuntimeError("the compiled step gives other vectors than the model: its code is wrong, do not use it")
