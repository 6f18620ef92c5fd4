"""A DataLoader of whole batches that knows where it stands in its epoch."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader

from data.batches import Batch, HistoryDataset
from data.every_position import EveryPosition
from data.order import EpochOrder
from data.whole_histories import WholeHistories


class HistoryLoader(DataLoader[Batch]):
    """Batches of a dataset; its state (Lightning saves it with a checkpoint) resumes in mid-epoch.

    Args:
        dataset: the samples.
        batch_size: B.
        seed: of the order; None keeps it.
        workers: processes that gather; the batches are the same for any number.
    """

    def __init__(
        self, dataset: HistoryDataset | EveryPosition | WholeHistories, batch_size: int, seed: int | None, workers: int
    ) -> None:
        order: Any = EpochOrder(len(dataset), batch_size, seed)  # arrays of sample numbers, for __getitems__
        super().__init__(
            dataset,
            batch_sampler=order,
            collate_fn=_whole,
            num_workers=workers,
            persistent_workers=workers > 0,
        )
        self.order: EpochOrder = order
        self._epoch = self._delivered = 0

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # counted as delivered, not as fetched ahead
        # A generator: workers fetch ahead from the first `next` on, and Lightning sets the epoch between the two.
        self._epoch, self._delivered = self.order.epoch, self.order.done
        for batch in super().__iter__():
            self._delivered += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """The epoch and how many of its batches were delivered."""
        return {"epoch": self._epoch, "delivered": self._delivered}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on behind the batches that were delivered."""
        self._epoch, self._delivered = state["epoch"], state["delivered"]
        self.order.resume(self._epoch, self._delivered)


def _whole(batch: Any) -> Any:
    """The dataset gives whole batches."""
    return batch
