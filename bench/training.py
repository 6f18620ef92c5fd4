"""The training steps that are measured: a target a history or one a position, with the whole catalogue's loss.

Shapes: I items, F feature width.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bench.histories import Histories
from model import CausalModel, MMM4Rec, SequenceModel, WindowMMM4Rec
from model.two_streams import TwoStreams
from trainer.losses import FullCatalogue


def make_model(hidden: int, window: int, n_items: int, features: int, device: torch.device) -> WindowMMM4Rec:
    """The window form with its defaults, bound to made features."""
    model = WindowMMM4Rec(window=window, **sizes(hidden))
    bind_made(model, n_items, features)
    return model.to(device)


def make_causal(hidden: int, n_items: int, features: int, device: torch.device) -> MMM4Rec:
    """The causal form likewise."""
    model = MMM4Rec(**sizes(hidden))
    bind_made(model, n_items, features)
    return model.to(device)


def sizes(hidden: int) -> dict[str, Any]:
    """Arguments of either form: head dim 64 or the whole inner width if less, a group a head."""
    head_dim = min(64, 2 * hidden)
    return {"hidden": hidden, "inner": hidden, "head_dim": head_dim, "groups": 2 * hidden // head_dim}


def bind_made(model: TwoStreams, n_items: int, features: int) -> None:
    """Give the model a catalogue of random features, all of them present."""
    tables: dict[str, Tensor] = {name: torch.randn(n_items, features) for name in model.modalities}
    model.bind(n_items, tables, {name: torch.ones(n_items, dtype=torch.bool) for name in tables})


def make_step(model: SequenceModel, batch: Histories, autocast: bool, compiled: bool = False) -> Callable[[], Tensor]:
    """One optimiser step on the same batch each time, as the fine-tuning config does it.

    Args:
        model: in training mode.
        batch: its histories.
        autocast: to bfloat16.
        compiled: by ``torch.compile``, on first use.
    """
    loss, device = FullCatalogue(), batch.items.device.type

    def forward() -> Tensor:
        with torch.autocast(device, torch.bfloat16, enabled=autocast), model.shared_items():
            user_Bd = model.user(batch.items, batch.lengths, batch.timestamps)
            return loss(user_Bd, batch.targets, None, model)

    return _optimise(model, torch.compile(forward) if compiled else forward)


def make_step_at_every_position(model: CausalModel, batch: Histories) -> Callable[[], Tensor]:
    """The same of a causal model, in float32: each event but the first is the target of those before it."""
    loss = FullCatalogue()
    wanted_BL = torch.arange(1, batch.items.shape[1], device=batch.items.device) < batch.lengths.unsqueeze(1)
    inputs_BL, targets_T = batch.items[:, :-1], batch.items[:, 1:][wanted_BL]

    def forward() -> Tensor:
        with model.shared_items():
            users_Td = model.users(inputs_BL, batch.lengths - 1, batch.timestamps[:, :-1], wanted_BL)
            return loss(users_Td, targets_T, None, model)

    return _optimise(model, forward)


def _optimise(model: SequenceModel, forward: Callable[[], Tensor]) -> Callable[[], Tensor]:
    optimizer = torch.optim.NAdam(model.parameters(), lr=1e-4, weight_decay=0.005)

    def step() -> Tensor:
        optimizer.zero_grad()
        value = forward()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return value.detach()

    return step
