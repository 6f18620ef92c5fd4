"""What every system is: an encoder of histories and a table of items in the same space.

Shapes: B batch, L positions, d width, I items (ids 1…I; 0 is padding, on the right).
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self

from torch import Tensor, nn


class SequenceModel(nn.Module, ABC):
    """User vectors from histories, item vectors from a catalogue; a score is their dot product."""

    #: Parameters (by the start of their names) with one row an item, row 0 padding: they do not transfer.
    item_bound: tuple[str, ...] = ()
    #: What the constructor was given, defaults included: enough, with a checkpoint's weights, to build it again.
    arguments: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Remember the arguments."""
        self = super().__new__(cls)
        bound = inspect.signature(cls.__init__).bind(self, *args, **kwargs)
        bound.apply_defaults()
        self.arguments = dict(list(bound.arguments.items())[1:])  # without self
        return self

    @abstractmethod
    def bind(self, n_items: int, features: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> None:
        """Build what depends on the catalogue; called once, before any weights are loaded.

        Args:
            n_items: I.
            features: per modality ``(I, F)``, row i-1 belongs to item i.
            present: per modality ``(I,)``, False where the item has no such content.

        Raises:
            ValueError: a modality that the model needs is not given.
        """

    @abstractmethod
    def user(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        """User vectors ``(B, d)`` after the last valid position; an empty history gives a constant vector."""

    @abstractmethod
    def item_vectors(self, ids: Tensor | None = None) -> Tensor:
        """Item vectors ``(I+1, d)``, or ``(len(ids), d)``; temperature and fusion weights included."""

    def shared_items(self, lookups: int = 0) -> AbstractContextManager[None]:
        """A context in which ``user`` and ``item_vectors`` may share what they compute of the catalogue.

        Weights must not change within. ``lookups``: how many items of histories are going to be looked up.
        """
        return nullcontext()

    def score(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        """Scores ``(B, I+1)``; column 0 is padding."""
        with self.shared_items():
            return self.user(items_BL, lengths_B, timestamps_BL) @ self.item_vectors().T

    def is_item_bound(self, name: str) -> bool:
        """Whether the parameter of that name has one row an item."""
        return name.startswith(self.item_bound)
