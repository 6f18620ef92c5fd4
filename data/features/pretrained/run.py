"""The shards of one table through a model: one process a device, each with processes that prepare ahead of it."""

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.multiprocessing.spawn import spawn
from torch.utils.data import DataLoader

from data.features.load import Modality
from data.features.pretrained.batches import Prepared, ShardBatches
from data.features.pretrained.shards import Shards
from data.features.pretrained.source import Source
from data.features.pretrained.space import Space, open_space
from data.features.pretrained.tower import Tower

Table = tuple[NDArray[np.float32], NDArray[np.bool_]]


@dataclass(frozen=True)
class Task:
    """What is encoded, and how; it can go to another process.

    Args:
        source: the model.
        domain: a processed domain folder.
        modality: which part of its items.
        shards: where the rows go.
        batch: items of a batch.
        workers: processes that prepare batches, of each device.
    """

    source: Source
    domain: Path
    modality: Modality
    shards: Shards
    batch: int
    workers: int


def run(task: Task, devices: Sequence[torch.device]) -> None:
    """Encode every shard that is missing, spread over the devices; a shard is the work of one.

    Raises:
        ValueError: bad items, or weights that cannot be read.
    """
    missing = task.shards.missing()
    if len(devices) == 1:
        _encode(task, missing, devices[0])
    elif missing:
        split = [missing[rank :: len(devices)] for rank in range(len(devices))]
        spawn(_encode_rank, (task, split, devices), nprocs=len(devices))  # type: ignore[no-untyped-call]


def _encode_rank(rank: int, task: Task, split: Sequence[Sequence[int]], devices: Sequence[torch.device]) -> None:
    _encode(task, split[rank], devices[rank])


def _encode(task: Task, numbers: Sequence[int], device: torch.device) -> None:
    """Encode these shards on one device."""
    if not numbers:
        return
    space = open_space(task.source)
    batches = iter(_loader(task, space, numbers, device))  # begins to prepare while the weights are read
    tower = Tower(space, task.modality, device)
    seen: list[Prepared] = []
    with ThreadPoolExecutor(1) as writer:
        writing: Future[None] | None = None
        for batch in batches:
            seen.append(batch._replace(inputs={"rows": tower(batch.inputs)} if batch.inputs else {}))
            if batch.last:
                shard, seen = _gather(seen, space.dim(task.modality)), []
                if writing:
                    writing.result()
                writing = writer.submit(_write, task.shards, *shard)  # while the next one is encoded
        if writing:
            writing.result()


def _loader(task: Task, space: Space, numbers: Sequence[int], device: torch.device) -> DataLoader[Prepared]:
    batches = ShardBatches(task.domain, task.modality, space, numbers, task.shards.size, task.batch)
    pin = device.type == "cuda"
    return DataLoader(
        batches,
        batch_size=None,
        num_workers=task.workers,
        collate_fn=_as_it_is,
        pin_memory=pin,
        worker_init_fn=_one_thread,
    )


def _as_it_is(batch: Any) -> Any:
    """The dataset gives whole batches."""
    return batch


def _one_thread(_: int) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # there is a process for each core already


def _gather(seen: Sequence[Prepared], dim: int) -> tuple[int, Table, dict[str, int]]:
    """The batches of one shard in the order of its items: number, rows and which are known, counts.

    Rows are fetched from the device here and not before, so that it is not waited for in between.
    """
    items = seen[0].items
    values, present = np.zeros((items, dim), np.float32), np.zeros(items, bool)
    known = [batch for batch in seen if batch.inputs]
    if known:
        rows_B = np.concatenate([batch.rows for batch in known])
        values[rows_B] = torch.cat([batch.inputs["rows"] for batch in known]).cpu().numpy()
        present[rows_B] = True
    counts = {name: sum(getattr(batch, name) for batch in seen) for name in ("truncated", "unusable")}
    return seen[0].shard, (values, present), counts


def _write(shards: Shards, number: int, rows: Table, counts: dict[str, int]) -> None:
    shards.write(number, *rows, counts)
