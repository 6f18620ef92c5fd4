"""What a causal system can do beside: a user vector after every position, and a state that each click updates.

Shapes: B batch, L positions, d width, T wanted positions of all rows.
"""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from model.base import SequenceModel
from model.likeness import likeness
from model.ops.by_length import each_by_length
from model.state import Carry, State


class _Still:
    """What is made of a model's weights while they stand still: constants (``Carry.constant``), a quicker model."""

    def __init__(self, constants: dict[str, Any]) -> None:
        self.constants = constants
        self.model: CausalModel | None = None


class CausalModel(SequenceModel):
    """A system in which no position sees a later one."""

    _still: _Still | None = None  # while weights do not change

    @abstractmethod
    def positions(self, items_BL: Tensor, timestamps_BL: Tensor, carry: Carry | None = None) -> Tensor:
        """User vectors ``(B, L, d)`` after every position; with ``carry`` the positions go on from its state."""

    def users(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor, wanted_BL: Tensor) -> Tensor:
        """User vectors ``(T, d)`` after the wanted positions, row by row, in one pass over the histories."""
        with self.shared_items(items_BL.numel()):
            return each_by_length(self.positions, items_BL, lengths_B, timestamps_BL, wanted_BL)

    def start(self) -> State:
        """The state before any event, of any number of users; ``encode`` and ``step`` give full ones."""
        return {}

    @contextmanager
    def shared_items(self, lookups: int = 0) -> Iterator[None]:
        """Also what a click makes of the weights is made once within; see ``SequenceModel.shared_items``."""
        before, self._still = self._still, _Still({} if self._still is None else self._still.constants)
        try:
            with super().shared_items(lookups):
                yield
        finally:
            self._still.model = None  # which knows this one
            self._still = before

    @torch.no_grad()
    def encode(
        self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor, state: State | None = None
    ) -> tuple[Tensor, State]:
        """``(user vectors (B, d), state)`` after further events of each user, any number at once.

        Args:
            items_BL: ids, 0 on the right where there is none.
            lengths_B: valid events; a user with none keeps the state, and the vector is that of padding.
            timestamps_BL: whole seconds, 0 where unknown.
            state: what went before; nothing by default.

        Raises:
            ValueError: the state is another model's, or of another number of users.
        """
        if items_BL.shape[1] == 0:  # nobody has an event: one position of padding
            items_BL, timestamps_BL = F.pad(items_BL, (0, 1)), F.pad(timestamps_BL, (0, 1))
        carry = Carry(state or {}, lengths_B)
        vectors_BLd = self.positions(items_BL, timestamps_BL, carry)
        rows_B = torch.arange(len(items_BL), device=items_BL.device)
        return vectors_BLd[rows_B, (lengths_B - 1).clamp(min=0)], carry.finished()

    @torch.no_grad()
    def step(self, items_B: Tensor, timestamps_B: Tensor, state: State, consume: bool = False) -> tuple[Tensor, State]:
        """``(user vectors (B, d), state)`` after one more event of each user, in time and memory that do not grow.

        Within ``shared_items``, looking up an item costs no projection.

        Args:
            items_B: ids.
            timestamps_B: whole seconds, 0 where unknown.
            state: what went before.
            consume: give the state away: its tensors become the new one's where they can and must not be used
                again. For many users, whose states are large, this saves most of the time.

        Raises:
            ValueError: see ``encode``.
        """
        constants = None if self._still is None else self._still.constants
        carry = Carry(state, torch.ones_like(items_B), click=True, consume=consume, constants=constants)
        vectors_B1d = self._quickest().positions(items_B.unsqueeze(1), timestamps_B.unsqueeze(1), carry)
        return vectors_B1d.squeeze(1), carry.finished()

    def _quickest(self) -> "CausalModel":
        """The model itself, or while weights stand still its likeness."""
        still = self._still
        if still is None or torch.compiler.is_compiling():  # which looks into modules, not for speed
            return self
        if still.model is None or still.model.training is not self.training:
            still.model = likeness(self)
        return still.model
