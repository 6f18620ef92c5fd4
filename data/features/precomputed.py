"""Features made elsewhere: a table keyed by item id, aligned by key and never by position alone."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from data.errors import bad
from data.features.encoder import Item
from data.features.keyed import read_keyed
from data.files import sha256

log = logging.getLogger(__name__)


class Precomputed:
    """Rows of a table ``path`` (``.safetensors``, ``.npz`` or ``.pth``, see ``data.features.keyed``).

    An item that the table does not name, or names with ``present`` False or a row of zeros, is missing.

    Raises:
        ValueError: the table is missing or malformed, repeats an item, or holds NaN.
    """

    name = "precomputed"

    def __init__(self, path: Path) -> None:
        self.path = path
        table = read_keyed(path)
        self._rows = {key: row for row, key in enumerate(table.items)}
        self._values, self._present = table.values, table.present
        self._options = {"source": table.encoder}
        self.checksum = sha256(path)

    @property
    def options(self) -> dict[str, Any]:
        """The encoder that the table names: tables of one encoder are of one space, whichever items they hold."""
        return dict(self._options)

    def fit(self, items: Iterable[Item]) -> Self:
        """Nothing to learn."""
        return self

    def encode(self, items: Iterable[Item]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Rows (n, dim) of the items and whether the table has them (n,); logs how many it has not.

        Raises:
            ValueError: the table names none of the items.
        """
        keys = [item.key for item in items]
        rows = np.array([self._rows.get(key, -1) for key in keys], dtype=np.int64)
        named = rows >= 0
        if keys and not named.any():
            example = next(iter(self._rows), "nothing")
            raise bad(
                self.path,
                f"names none of the {len(keys)} items: it has '{example}', they are like '{keys[0]}'",
                "Key the table by the item ids of item2id.jsonl",
            )
        values = np.zeros((len(keys), self._values.shape[1]), np.float32)
        values[named] = self._values[rows[named]]
        present = named.copy()
        present[named] = self._present[rows[named]]
        values[~present] = 0.0
        if not named.all():
            log.warning("%s: %d of %d items are not in it and count as missing", self.path, (~named).sum(), len(keys))
        return values, present
