"""The states between chunks: a scan as the one inside, over as many fewer elements as a chunk is long.

Few chunks are mixed by one matrix of decays; many are chunked again, so that cost stays linear in their number.

Shapes: H heads, B batch, K chunks, F chunks of a group, M numbers of a state.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, unflatten

from model.ops.segments import fold
from model.ops.ssd.decays import Decays

FAN = 16  # chunks mixed by one matrix


def entering(
    own_HBKM: Tensor, log_HBK: Tensor, starts_BK: Tensor | None, initial_HBM: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The state before each chunk ``(H, B, K, M)`` and after the last ``(H, B, M)``.

    Args:
        own_HBKM: what each chunk adds to the state.
        log_HBK: the log of how much of the state it leaves, 0 or less.
        starts_BK: where it leaves nothing.
        initial_HBM: the state before the first chunk, zeros where None.
    """
    _, batch, chunks, _ = own_HBKM.shape
    if chunks <= FAN:
        decays = Decays(log_HBK, starts_BK)
        return _before_each(own_HBKM, decays, initial_HBM), _after_last(own_HBKM, decays, initial_HBM)
    many = (batch, -(-chunks // FAN))
    own_HRFM, log_HRF = (fold(tensor, FAN, dim=2).flatten(1, 2) for tensor in (own_HBKM, log_HBK))
    starts_RF = None if starts_BK is None else fold(starts_BK, FAN).flatten(0, 1)
    decays = Decays(log_HRF, starts_RF)
    groups_HBKM, final_HBM = entering(
        unflatten(_after_last(own_HRFM, decays, None), 1, many),
        unflatten(log_HRF.sum(dim=-1), 1, many),
        None if starts_RF is None else unflatten(starts_RF.any(dim=-1), 0, many),
        initial_HBM,
    )
    states_HRFM = _before_each(own_HRFM, decays, groups_HBKM.flatten(1, 2))
    return unflatten(states_HRFM, 1, many).flatten(2, 3)[:, :, :chunks], final_HBM


def _before_each(own_HBKM: Tensor, decays: Decays, initial_HBM: Tensor | None) -> Tensor:
    """``(H, B, K, M)``: before a chunk is after the one before it, so the matrix of decays is a row lower."""
    after_HBKK = decays.between(torch.ones_like(decays.sums_HBL))
    states_HBKM = F.pad(after_HBKK[..., :-1, :], (0, 0, 1, 0)) @ own_HBKM
    if initial_HBM is None:
        return states_HBKM
    reach_HBK = F.pad(decays.from_before()[..., :-1], (1, 0), value=1.0)
    return torch.addcmul(states_HBKM, reach_HBK.unsqueeze(-1), initial_HBM.unsqueeze(2))


def _after_last(own_HBKM: Tensor, decays: Decays, initial_HBM: Tensor | None) -> Tensor:
    """``(H, B, M)``."""
    state_HBM = (decays.to_end().unsqueeze(-2) @ own_HBKM).squeeze(-2)
    if initial_HBM is None:
        return state_HBM
    return torch.addcmul(state_HBM, decays.from_before()[..., -1:], initial_HBM)
