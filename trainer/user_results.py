"""What a test found for each user: the ranks of the target in both readings, and the lists recommended.

Shapes: U tested users, K items of a list.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import lightning as L
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from data.batches import Batch
from data.datamodule import DomainData
from data.errors import bad
from data.files import atomic_file
from data.targets import targets_of
from trainer.top_lists import top_lists

FILE = "ranks.safetensors"
LIST = 10  # K, of the metrics that results are quoted at


@dataclass(frozen=True, eq=False)
class UserResults:
    """One row a tested user, in the order of the domain's histories.

    Attributes:
        users: ids as in ``user2id.jsonl``, ``(U,)``.
        targets: the item that was to be found, ``(U,)``.
        lengths: events before it, ``(U,)``.
        ranks: of the target from 0, as published, ``(U,)`` float64; ties at half.
        ranks_removed: with the history removed; infinite where the user had the target before.
        lists: ids of the best items, best first, ``(U, K)``; 0 where there are fewer.
        lists_removed: without the user's history.
    """

    users: Tensor
    targets: Tensor
    lengths: Tensor
    ranks: Tensor
    ranks_removed: Tensor
    lists: Tensor
    lists_removed: Tensor

    def of(self, stage: str) -> tuple[Tensor, Tensor]:
        """Ranks and lists of ``test`` (as published) or ``test_removed``."""
        return (self.ranks_removed, self.lists_removed) if stage == "test_removed" else (self.ranks, self.lists)

    def write(self, folder: Path) -> None:
        """Write ``ranks.safetensors``, whole or not at all."""
        with atomic_file(folder / FILE) as part:
            save_file({name: value.contiguous() for name, value in vars(self).items()}, part, {"format": "1"})

    @classmethod
    def read(cls, folder: Path) -> "UserResults":
        """Of a run's folder.

        Raises:
            ValueError: there are none, or the file is damaged.
        """
        path, remedy = folder / FILE, "Test the run's checkpoint again: python test.py --help"
        if not path.is_file():
            raise bad(path, "there is no such file", remedy)
        try:
            columns = load_file(path)
        except SafetensorError as error:
            raise bad(path, f"damaged ({error})", remedy) from None
        if missing := {field.name for field in fields(cls)} - columns.keys():
            raise bad(path, f"has no {', '.join(sorted(missing))}", remedy)
        return cls(**columns)


class KeepUserResults(L.Callback):
    """Keeps what ``Recommender.test_step`` returns of each batch, and makes the lists."""

    def __init__(self) -> None:
        self._columns: list[tuple[Tensor, ...]] = []

    def on_test_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Forget an earlier test."""
        self._columns = []

    def on_test_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the batch's rows on the processor."""
        lists = top_lists(outputs["users"], outputs["items"], batch.seen, LIST)
        lengths = (batch.seen > 0).sum(dim=1)
        columns = (batch.targets, lengths, outputs["ranks"], outputs["ranks_removed"], *lists)
        self._columns.append(tuple(column.cpu() for column in columns))

    def results(self, data: DomainData) -> UserResults | None:
        """Of all batches, as one process tested them; None where nothing is held out for testing."""
        if not self._columns:
            return None
        tested = targets_of(data.store, "test", data.holdout).sequences
        users = torch.from_numpy(data.store.users[tested])
        columns = [torch.cat(parts) for parts in zip(*self._columns, strict=True)]
        assert len(users) == len(columns[0])
        return UserResults(users, *columns)
