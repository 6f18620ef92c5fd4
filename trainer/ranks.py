"""Ranks of the targets over the whole catalogue, by counting: no sort.

Shapes: B batch, d width, I items (row 0 padding), S longest whole history.
"""

import torch
from torch import Tensor

_BLOCK = 1 << 26  # scores held at once


def target_ranks(user_Bd: Tensor, items_Id: Tensor, targets_B: Tensor, seen_BS: Tensor) -> tuple[Tensor, Tensor]:
    """Ranks from 0, in two readings: as published, and with each user's history removed.

    ``rank = #(score > target) + ½·#(score = target, other items)``; padding is never a candidate. A score
    that is not a number counts as higher, so a diverged model ranks last, not first. With history removed, a
    target that the user had before cannot be recommended: its rank is infinite, a miss at every K.

    Args:
        user_Bd: user vectors.
        items_Id: item vectors, row 0 padding.
        targets_B: ids from 1.
        seen_BS: ids of the whole history, 0 where there is none.

    Returns:
        ``(B,)`` as published and ``(B,)`` with history removed, float64.
    """
    step = max(1, _BLOCK // len(items_Id))
    readings = [
        _block_ranks(user @ items_Id.T, targets, seen)
        for user, targets, seen in zip(
            *(torch.split(rows, step) for rows in (user_Bd, targets_B, seen_BS)), strict=True
        )
    ]
    published, removed = zip(*readings, strict=True)
    return torch.cat(published), torch.cat(removed)


def _block_ranks(scores_BI: Tensor, targets_B: Tensor, seen_BS: Tensor) -> tuple[Tensor, Tensor]:
    scores_BI.clamp_(min=torch.finfo(scores_BI.dtype).min)  # -inf marks what is no candidate
    target_B1 = scores_BI.gather(1, targets_B.unsqueeze(1))
    scores_BI[:, 0] = -torch.inf
    published = _count(scores_BI, target_B1)
    scores_BI.scatter_(1, seen_BS, -torch.inf)
    bought = (seen_BS == targets_B.unsqueeze(1)).any(dim=1)
    removed = _count(scores_BI, target_B1).masked_fill(bought, torch.inf)
    return published, removed


def _count(scores_BI: Tensor, target_B1: Tensor) -> Tensor:
    higher = (~(scores_BI <= target_B1)).sum(dim=1)
    tied = (scores_BI == target_B1).sum(dim=1) - 1  # the target ties with itself
    return higher.double() + tied.clamp(min=0).double() / 2
