"""The states between chunks of a selective scan: the same recurrence, over as many fewer elements as a chunk is long.

Few chunks are looped over; many are chunked again, so that no loop is longer than ``FAN``.

Shapes: B batch, K chunks, X the shape of a state.
"""

import torch
from torch import Tensor, unflatten

from model.ops.segments import fold

FAN = 16  # chunks looped over at one level


def entering(own_BKX: Tensor, carry_BKX: Tensor, initial_BX: Tensor) -> Tensor:
    """``(B, K, X)``: the state before each chunk, where ``S_k = carry_k ⊙ S_{k-1} + own_k``."""
    batch, chunks = own_BKX.shape[:2]
    if chunks <= FAN:
        return _loop(own_BKX, carry_BKX, initial_BX)[0]
    many = (batch, -(-chunks // FAN))
    own_RFX, carry_RFX = fold(own_BKX, FAN).flatten(0, 1), fold(carry_BKX, FAN).flatten(0, 1)
    _, written_RX = _loop(own_RFX, carry_RFX, torch.zeros_like(own_RFX[:, 0]))
    left_RX = carry_RFX.prod(dim=1)
    groups_BKX = entering(unflatten(written_RX, 0, many), unflatten(left_RX, 0, many), initial_BX)
    states_RFX, _ = _loop(own_RFX, carry_RFX, groups_BKX.flatten(0, 1))
    return unflatten(states_RFX, 0, many).flatten(1, 2)[:, :chunks]


def _loop(own_BKX: Tensor, carry_BKX: Tensor, initial_BX: Tensor) -> tuple[Tensor, Tensor]:
    """The state before each chunk, and after the last."""
    states_BKX = torch.empty_like(own_BKX)
    state_BX = initial_BX
    for chunk in range(own_BKX.shape[1]):
        states_BKX[:, chunk] = state_BX
        state_BX = torch.addcmul(own_BKX[:, chunk], carry_BKX[:, chunk], state_BX)
    return states_BKX, state_BX
