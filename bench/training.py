"""The training step that is measured: WindowMMM4Rec with the whole catalogue's loss.

Shapes: I items, F feature width.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bench.histories import Histories
from model import SequenceModel, WindowMMM4Rec
from model.two_streams import TwoStreams
from trainer.losses import FullCatalogue


def make_model(hidden: int, window: int, n_items: int, features: int, device: torch.device) -> WindowMMM4Rec:
    """The window form with its defaults, bound to made features."""
    model = WindowMMM4Rec(window=window, **sizes(hidden))
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
    optimizer = torch.optim.NAdam(model.parameters(), lr=1e-4, weight_decay=0.005)
    loss, device = FullCatalogue(), batch.items.device.type

    def forward() -> Tensor:
        with torch.autocast(device, torch.bfloat16, enabled=autocast), model.shared_items():
            user_Bd = model.user(batch.items, batch.lengths, batch.timestamps)
            return loss(user_Bd, batch.targets, batch.items, model)

    forward = torch.compile(forward) if compiled else forward

    def step() -> Tensor:
        optimizer.zero_grad()
        value = forward()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return value.detach()

    return step
