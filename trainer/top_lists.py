"""The K best items of users over the whole catalogue, in bounded memory.

Shapes: B batch, R users of a block, I items (row 0 padding), S longest whole history, K how many, d width.
"""

import torch
from torch import Tensor

from trainer.top import top_k

_SCORES = 1 << 22  # held at once: 16 MiB of float32


def top_lists(user_Bd: Tensor, items_Id: Tensor, seen_BS: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Ids of the K best items, best first, of equal scores the lower ids; 0 where there are fewer candidates.

    Padding is never among them. A score that is not a number counts as the lowest.

    Args:
        user_Bd: user vectors.
        items_Id: item vectors, row 0 padding.
        seen_BS: ids of the whole history, 0 where there is none.
        k: from 1.

    Returns:
        ``(B, K)`` as published and ``(B, K)`` without the history, int32.
    """
    users = max(1, _SCORES // len(items_Id))
    blocks = [
        _of_block(user_Rd @ items_Id.T, seen_RS, k)
        for user_Rd, seen_RS in zip(torch.split(user_Bd, users), torch.split(seen_BS, users), strict=True)
    ]
    published, removed = zip(*blocks, strict=True)
    return torch.cat(published), torch.cat(removed)


def _of_block(scores_RI: Tensor, seen_RS: Tensor, k: int) -> tuple[Tensor, Tensor]:
    largest = torch.finfo(scores_RI.dtype).max  # -inf is kept for what is no candidate
    scores_RI.nan_to_num_(nan=-largest, posinf=largest, neginf=-largest)[:, 0] = -torch.inf
    published_RK = _ids(scores_RI, k)
    return published_RK, _ids(scores_RI.scatter_(1, seen_RS, -torch.inf), k)  # padding, 0, is none already


def _ids(scores_RI: Tensor, k: int) -> Tensor:
    ids_RK, values_RK = top_k(scores_RI, k)
    short = torch.zeros(len(ids_RK), k - ids_RK.shape[1], dtype=torch.int32, device=ids_RK.device)
    return torch.cat([ids_RK.masked_fill(values_RK == -torch.inf, 0).int(), short], dim=1)
