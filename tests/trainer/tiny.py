"""A processed domain of 30 users and 12 items, written as prepare.py does, and a run on it."""

import json
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback

from data.datamodule import DomainData
from data.features.table import FeatureTable, write_table
from model import WindowMMM4Rec
from trainer.callbacks import StepSeed
from trainer.losses import NextItemLoss
from trainer.recommender import Recommender

USERS, ITEMS, WINDOW = 30, 12, 6
History = list[list[int]]


def draw_histories(seed: int = 0) -> list[History]:
    """``[[item, timestamp], …]`` a user: 3 to 9 events, items in a noisy cycle, so that there is something to learn."""
    random = np.random.default_rng(seed)
    histories = []
    for _ in range(USERS):
        items, now = [int(random.integers(ITEMS))], int(random.integers(10**9, 2 * 10**9))
        for _ in range(int(random.integers(2, 9))):
            items.append((items[-1] + 1 if random.random() < 0.8 else int(random.integers(ITEMS))) % ITEMS)
        times = now + np.cumsum(random.integers(1, 10**6, len(items)))
        histories.append([[item + 1, int(time)] for item, time in zip(items, times, strict=True)])
    return histories


def write_domain(
    folder: Path, histories: list[History] | None = None, items: int = ITEMS, missing: bool = True, prefix: str = "item"
) -> Path:
    """A processed folder in the compact layout, with features of both modalities."""
    folder.mkdir(parents=True)
    histories = draw_histories() if histories is None else histories
    keys = [f"{prefix}{i}" for i in range(items)]
    _write_rows(folder / "item2id.jsonl", [[key, i + 1] for i, key in enumerate(keys)])
    _write_rows(folder / "user2id.jsonl", [[f"user{i}", i] for i in range(len(histories))])
    _write_rows(folder / "histories.jsonl", [[user, history] for user, history in enumerate(histories)])
    random = np.random.default_rng(7)
    (folder / "features").mkdir()
    for name, width in (("text", 6), ("image", 5)):
        present = random.random(items) > (0.2 if missing else -1)
        values = random.normal(size=(items, width)).astype(np.float32) * present[:, None]
        write_table(folder / f"features/{name}.safetensors", FeatureTable(keys, values, present, "random", {"seed": 7}))
    return folder


def make_data(domain: Path, **options: Any) -> DomainData:
    """The domain in batches of 16."""
    return DomainData(domain, **({"window": WINDOW, "batch_size": 16, "eval_batch_size": 8, "seed": 3} | options))


def make_system(dropout: float = 0.3, **options: Any) -> WindowMMM4Rec:
    """A small system, its weights a function of seed 5."""
    torch.manual_seed(5)
    sizes: dict[str, Any] = {"hidden": 8, "inner": 8, "state": 3, "head_dim": 4, "groups": 2, "window": WINDOW}
    return WindowMMM4Rec(dropout=dropout, **(sizes | options))


def make_module(
    loss: NextItemLoss | None = None, optimizer: Any = None, compile: str | None = None, **options: Any
) -> Recommender:
    """The module, with NAdam at a rate that moves things within an epoch."""
    make_optimizer = optimizer or (lambda parameters: torch.optim.NAdam(parameters, lr=0.01, weight_decay=0.005))
    return Recommender(make_system(**options), make_optimizer, loss, ks=(1, 5, ITEMS), compile=compile)


class Losses(Callback):
    """Keeps the loss of every step, by its number."""

    def __init__(self) -> None:
        self.by_step: dict[int, float] = {}

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.by_step[trainer.fit_loop.total_batch_idx] = float(outputs["loss"])


def make_trainer(folder: Path, *callbacks: Callback, epochs: int = 2, seed: int = 3, **options: Any) -> L.Trainer:
    """A quiet trainer on the CPU with the run's own seeding of steps."""
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": any(
        isinstance(callback, L.pytorch.callbacks.ModelCheckpoint) for callback in callbacks
    )}  # fmt: skip
    return L.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=epochs,
        num_sanity_val_steps=0,
        default_root_dir=folder,
        callbacks=[StepSeed(seed), *callbacks],
        **(quiet | options),
    )


def _write_rows(path: Path, rows: list[Any]) -> None:
    path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))
