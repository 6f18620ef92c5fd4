"""The LightningDataModule: one processed domain, streamed as batches of histories."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import lightning as L
import torch
from torch import Tensor

from data.batches import HistoryDataset
from data.domain import Domain
from data.errors import bad
from data.every_position import EveryPosition
from data.features.load import Modality
from data.loader import HistoryLoader
from data.some_users import check_share, drawn_users
from data.targets import Holdout, Stage, targets_of
from data.whole_histories import WholeHistories


class DomainData(L.LightningDataModule):
    """Histories and item features of one domain.

    Args:
        domain: the processed folder.
        modalities: the features to read.
        window: the most recent events of a history that the model sees.
        positions: ``last`` trains each target with its own copy of the history before it, ``every`` all targets of
            a history in one pass, which only a causal model can do, and ``whole`` gives each history once and no
            target, for models that count.
        batch_size: samples a training step: targets, or with ``every`` position and ``whole`` histories histories.
        eval_batch_size: histories an evaluation step.
        holdout: ``leave_one_out`` (fine-tuning), ``last`` (pretraining with validation) or ``none``.
        val_users: validate on at most so many users, evenly spread; all by default.
        user_share: train on the histories of this share of the users, above 0 and at most 1, drawn by the seed:
            another seed draws others, and 5 % are among the 20 % (see ``drawn_users``). All are validated and tested.
        num_workers: processes that gather batches; 0 gathers in the training process.
        seed: of the order of training samples, and of the draw of ``user_share``.
        store: where the sequence store lives; ``<domain>/store`` by default (see ``open_store``).

    Raises:
        ValueError: there is no such domain, a size is below 1, or the share is none.
    """

    def __init__(
        self,
        domain: Path,
        modalities: Sequence[Modality] = ("text", "image"),
        window: int = 20,
        positions: Literal["last", "every", "whole"] = "last",
        batch_size: int = 1024,
        eval_batch_size: int = 1024,
        holdout: Holdout = "leave_one_out",
        val_users: int | None = None,
        user_share: float = 1.0,
        num_workers: int = 0,
        seed: int = 2020,
        store: Path | None = None,
    ) -> None:
        super().__init__()
        if min(window, batch_size, eval_batch_size, 1 if val_users is None else val_users) < 1:
            raise ValueError("data.window, data.batch_size, data.eval_batch_size and data.val_users count from 1")
        check_share("data.user_share", user_share)
        self.domain = Domain(domain)
        self.modalities, self.window, self.holdout = tuple(modalities), window, holdout
        self.positions, self.user_share = positions, user_share
        self.batch_size, self.eval_batch_size, self.val_users = batch_size, eval_batch_size, val_users
        self.num_workers, self.seed, self.store_folder = num_workers, seed, store

    def setup(self, stage: str) -> None:
        """Open the store and read the features.

        Raises:
            ValueError: they are missing or malformed, or nothing is left to train on.
        """
        if hasattr(self, "store"):
            return
        store = self.domain.store(self.store_folder)
        if store.split == "pretrain" and self.holdout == "leave_one_out":
            what = "is a pretraining domain, whose histories are all for training"
            remedy = "Set data.holdout to last or none; a fine-tuning domain has all three *_seq.jsonl files"
            raise bad(self.domain.path, what, remedy)
        tables = {name: self.domain.features(name) for name in self.modalities}
        self.features: dict[str, Tensor] = {name: torch.from_numpy(t.values) for name, t in tables.items()}
        self.digests = {name: table.digest() for name, table in tables.items()}
        self.encoders = {name: {"encoder": t.encoder, "options": t.options} for name, t in tables.items()}
        self.present: dict[str, Tensor] = {name: torch.from_numpy(t.present) for name, t in tables.items()}
        self.drawn_S = drawn_users(store, self.holdout, self.user_share, self.seed)
        self.store = store  # last: it tells that everything is there
        if stage == "fit" and not len(self._dataset("train")):
            what = "no history is long enough to train on"
            raise bad(self.domain.path, what, "Take more data, or a smaller --core")

    @property
    def n_items(self) -> int:
        """I."""
        return len(self.domain.items)

    def train_dataloader(self) -> HistoryLoader:
        """Shuffled anew each epoch, the same for any number of workers."""
        if self.positions == "last":
            return self._loader("train", self.batch_size, self.seed)
        if self.positions == "whole":
            histories = WholeHistories(self.store, self.holdout, self.drawn_S)
            return HistoryLoader(histories, self.batch_size, self.seed, self.num_workers)
        rows = EveryPosition(self.store, self.holdout, self.window, self.drawn_S)
        return HistoryLoader(rows, self.batch_size, self.seed, self.num_workers)

    def val_dataloader(self) -> HistoryLoader | list[Any]:
        """One target a user; none where nothing is held out."""
        return self._loader("val", self.eval_batch_size, None) if self.holdout != "none" else []

    def test_dataloader(self) -> HistoryLoader | list[Any]:
        """One target a user; only with ``leave_one_out``."""
        return self._loader("test", self.eval_batch_size, None) if self.holdout == "leave_one_out" else []

    def _dataset(self, stage: Stage) -> HistoryDataset:
        most = self.val_users if stage == "val" else None
        targets = targets_of(self.store, stage, self.holdout, most, self.drawn_S)
        return HistoryDataset(self.store, targets, self.window, with_seen=stage != "train")

    def _loader(self, stage: Stage, batch_size: int, seed: int | None) -> HistoryLoader:
        return HistoryLoader(self._dataset(stage), batch_size, seed, self.num_workers)
