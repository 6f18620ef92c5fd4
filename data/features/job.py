"""One modality of one domain: encoded and written, or kept where it is up to date."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from data.errors import bad
from data.features.encoder import Encoder, Item, Named, read_items
from data.features.load import Modality
from data.features.table import AGAIN, FeatureTable, read_source, read_table, write_table
from data.ids import read_item_keys

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Extracted:
    """What was done: ``present`` of ``items`` items have a row of ``dim`` numbers; ``reused`` if kept."""

    domain: Path
    modality: Modality
    items: int
    present: int
    dim: int
    reused: bool


@dataclass
class TableJob(ABC):
    """An encoder and where its rows go.

    Attributes:
        domain: the processed domain folder.
        modality: what is encoded.
        encoder: makes the rows.
        digest: what the rows are made from, to tell whether they are up to date; None for an encoder that
            looks at the items' keys only, which then needs no ``item.jsonl``.
        checksum: of the table that such an encoder reads.
    """

    domain: Path
    modality: Modality
    encoder: Named
    digest: Callable[[Iterable[Item]], str] | None
    checksum: str = ""

    @property
    def path(self) -> Path:
        """The table's file."""
        return self.domain / "features" / f"{self.modality}.safetensors"

    @cached_property
    def source(self) -> str:
        """Digest of the texts or pictures, or of the table that the rows are taken from."""
        return self.digest(self._items()) if self.digest else self.checksum

    @cached_property
    def _options(self) -> dict[str, Any]:
        return self.encoder.options

    def is_current(self, overwrite: bool) -> bool:
        """Whether the stored table is what this job would write.

        Raises:
            ValueError: another one is stored, and ``overwrite`` is off; or the domain's items are malformed.
        """
        keys, _ = read_item_keys(self.domain), self.source  # bad items are told before any table is written
        if not self.path.exists():
            return False
        try:
            fault = self._difference(read_table(self.path, keys))
        except ValueError:
            if overwrite:
                return False
            raise
        if fault and not overwrite:
            raise bad(self.path, f"holds features {fault}", AGAIN)
        return not fault

    def _difference(self, table: FeatureTable) -> str:
        """How the stored table differs, "" where it does not."""
        if table.encoder != self.encoder.name:
            return f"of the encoder '{table.encoder}', not '{self.encoder.name}'"
        if table.options != self._options:
            return f"made with {table.options}, not with {self._options}"
        if read_source(self.path) != self.source:
            return f"made from other {self.modality}s, or another table, than now"
        return ""

    def run(self, reuse: bool) -> Extracted:
        """Encode and write, or with ``reuse`` keep the stored table."""
        keys = read_item_keys(self.domain)
        table = read_table(self.path, keys) if reuse else self._encode(keys)
        if not reuse:
            write_table(self.path, table, self.source)
        present = int(table.present.sum())
        done = Extracted(self.domain, self.modality, len(keys), present, table.dim, reuse)
        verb = "kept" if reuse else "made"
        log.info(
            "%s: %s features %s by %s, %d dims, %d of %d items have them",
            *(self.domain, self.modality, verb, table.encoder, table.dim, present, len(keys)),
        )
        return done

    @abstractmethod
    def _encode(self, keys: list[str]) -> FeatureTable:
        """Make the rows of the domain's items."""

    def _items(self) -> Iterator[Item]:
        if self.digest:
            return read_items(self.domain)
        return (Item(key, "", None) for key in read_item_keys(self.domain))


class Job(TableJob):
    """Of an encoder, already fitted, that makes all rows in one go."""

    encoder: Encoder

    def _encode(self, keys: list[str]) -> FeatureTable:
        values, present = self.encoder.encode(self._items())
        return FeatureTable(keys, values, present, self.encoder.name, self._options)
