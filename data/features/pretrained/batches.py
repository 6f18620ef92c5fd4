"""Items to prepared batches, shard by shard, made ahead of the model by other processes."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from data.features.encoder import Item, read_items
from data.features.load import Modality
from data.features.picture import try_picture
from data.features.pretrained.pictures import Pictures
from data.features.pretrained.space import Space


class Prepared(NamedTuple):
    """One batch, ready for the model.

    Attributes:
        shard: its number.
        items: of the shard.
        rows: (B,) positions in the shard of what was prepared; B may be 0.
        inputs: of the model, B of each; empty where B is 0.
        truncated: texts that were cut at the model's limit.
        unusable: picture files that could not be decoded.
        last: whether the shard ends here.
    """

    shard: int
    items: int
    rows: NDArray[np.int64]
    inputs: dict[str, Tensor]
    truncated: int
    unusable: int
    last: bool


class _Batch(NamedTuple):
    shard: int
    items: int
    rows: list[int]
    taken: list[Item]
    last: bool


class ShardBatches(IterableDataset[Prepared]):
    """The batches of some shards of a domain, in order, whatever the number of processes that make them.

    Args:
        domain: a processed domain folder.
        modality: which part of the items is prepared.
        space: prepares it.
        shards: the numbers wanted, ascending.
        size: items of a shard; the last one may have fewer.
        batch: items of a batch, at most.
    """

    def __init__(
        self, domain: Path, modality: Modality, space: Space, shards: Sequence[int], size: int, batch: int
    ) -> None:
        self._domain = domain
        self._prepare_inputs = space.texts if modality == "text" else space.pictures  # read once, before any fork
        self._shards, self._size, self._batch = frozenset(shards), size, batch

    def __iter__(self) -> Iterator[Prepared]:
        """Those of the process that asks: the loader takes them from one after another."""
        worker = get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for batch in islice(self._batches(), first, None, step):
            yield self._prepare(batch)

    def _batches(self) -> Iterator[_Batch]:
        items, left, shard = read_items(self._domain), len(self._shards), 0
        while left and (chunk := list(islice(items, self._size))):
            if shard in self._shards:
                left -= 1
                order = self._order(chunk)
                parts = [order[start : start + self._batch] for start in range(0, len(order), self._batch)] or [[]]
                for number, rows in enumerate(parts, 1):
                    yield _Batch(shard, len(chunk), rows, [chunk[row] for row in rows], number == len(parts))
            shard += 1

    def _order(self, chunk: Sequence[Item]) -> list[int]:
        """Positions of the items that have something to encode; texts by length, the longest first.

        Texts of a length pad each other little; a batch that is too large for the memory shows at once.
        """
        if isinstance(self._prepare_inputs, Pictures):
            return [row for row, item in enumerate(chunk) if item.image]
        told = [row for row, item in enumerate(chunk) if item.text.strip()]
        return sorted(told, key=lambda row: -len(chunk[row].text))

    def _prepare(self, batch: _Batch) -> Prepared:
        if isinstance(self._prepare_inputs, Pictures):
            return self._prepare_pictures(batch, self._prepare_inputs)
        texts = [item.text for item in batch.taken]
        inputs, truncated = self._prepare_inputs(texts) if texts else ({}, 0)
        return Prepared(batch.shard, batch.items, np.array(batch.rows, np.int64), inputs, truncated, 0, batch.last)

    def _prepare_pictures(self, batch: _Batch, prepare: Pictures) -> Prepared:
        decoded = [try_picture(item.image, prepare.size) for item in batch.taken if item.image]
        usable = [picture for picture in decoded if picture is not None]
        rows_B = np.array([row for row, picture in zip(batch.rows, decoded, strict=True) if picture], np.int64)
        inputs = prepare(usable) if usable else {}
        return Prepared(batch.shard, batch.items, rows_B, inputs, 0, len(decoded) - len(usable), batch.last)
