"""A domain's texts or pictures through a published model, to a table; resumed where it was stopped."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.features.job import Extracted, TableJob
from data.features.load import Modality
from data.features.pretrained.devices import batch_for, devices_of, precision, workers_for
from data.features.pretrained.run import Task, run
from data.features.pretrained.running import Running
from data.features.pretrained.shards import Shards, remove_shards
from data.features.pretrained.space import Space
from data.features.sources import DIGESTS
from data.features.table import FeatureTable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Name:
    name: str
    options: dict[str, Any]


@dataclass
class PretrainedJob(TableJob):
    """Of a published model.

    Attributes:
        space: the model.
        how: it is run.
    """

    space: Space = field(kw_only=True)
    how: Running = field(kw_only=True)

    def run(self, reuse: bool) -> Extracted:
        """Encode and write, or with ``reuse`` keep the stored table; the parts go when the table is there."""
        done = super().run(reuse)
        remove_shards(self.path)
        return done

    def _encode(self, keys: list[str]) -> FeatureTable:
        devices = devices_of(self.how.devices)
        batch = self.how.batch or batch_for(self.space, self.modality, devices[0])
        kind = str(precision(devices[0])).removeprefix("torch.")
        made = {"encoder": self.encoder.name, "options": self.encoder.options, "source": self.source}
        shards = Shards(self.path, len(keys), self.how.shard, {**made, "batch": batch, "precision": kind})
        shards.clear_others()
        workers = workers_for(devices) if self.how.workers is None else self.how.workers
        run(Task(self.space.source, self.domain, self.modality, shards, batch, workers), devices)
        values, present, counts = shards.gather()
        self._tell(counts, len(keys))
        notes = {"precision": kind, **counts}
        return FeatureTable(keys, values, present, self.encoder.name, self.encoder.options, notes)

    def _tell(self, counts: dict[str, int], items: int) -> None:
        if counts["truncated"]:
            limit = self.space.texts.limit
            log.info("%s: %d of %d texts were cut at %d tokens", self.domain, counts["truncated"], items, limit)
        if counts["unusable"]:
            log.warning("%s: %d pictures could not be used and count as missing", self.domain, counts["unusable"])


def pretrained_jobs(folders: Sequence[Path], modality: Modality, space: Space, how: Running) -> list[TableJob]:
    """A job for each domain.

    Raises:
        ValueError: the model does not encode this modality.
    """
    name = _Name(space.source.name, space.options(modality))
    return [PretrainedJob(folder, modality, name, DIGESTS[modality], space=space, how=how) for folder in folders]
