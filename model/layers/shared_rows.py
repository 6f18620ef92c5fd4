"""Rows an item that are computed from the catalogue: all at once for whoever needs many of them.

Shapes: I items (row 0 padding), d hidden.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import torch.nn.functional as F
from torch import Tensor, nn


class SharedRows(nn.Module, ABC):
    """Named tables of ``(I+1, d)`` vectors; within ``shared`` each is computed once.

    Args:
        rows: I + 1.
    """

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows
        self._whole: dict[str, Tensor] | None = None  # while shared

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The tables."""

    @abstractmethod
    def compute(self, name: str, ids: Tensor | None) -> Tensor:
        """Rows of ``ids`` of a table, or all of them, from the weights."""

    @contextmanager
    def shared(self, lookups: int = 0) -> Iterator[None]:
        """Within, whoever needs all of a table gets the same one: one projection a step.

        Args:
            lookups: how many rows are going to be looked up; more than there are items project all at once.
        """
        outermost = self._whole is None
        if self._whole is None:
            self._whole = {}
        try:
            for name in self.names if lookups > self.rows else ():
                self.embed(name)
            yield
        finally:
            if outermost:
                self._whole = None

    def embed(self, name: str, ids: Tensor | None = None) -> Tensor:
        """``E[ids]`` of a table, one row an id, or all of them.

        Where there are more ids than items, or all items are projected already, rows are only looked up.
        """
        whole = self._whole or {}
        if ids is not None and (name in whole or ids.numel() > self.rows):
            return F.embedding(ids, self.embed(name))
        if name in whole:
            return whole[name]
        embedded = self.compute(name, ids)
        if ids is None and self._whole is not None:
            self._whole[name] = embedded
        return embedded
