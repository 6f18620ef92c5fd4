"""The K best of many scores, the same on every machine.

Shapes: B batch, I items (column 0 padding), K how many.
"""

import torch
from torch import Tensor


def top_k(scores_BI: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The K highest scores a row, best first; of equal scores the lower ids.

    ``torch.topk`` leaves open which of equal scores it takes; it only finds the K-th score here.

    Args:
        scores_BI: no NaN; ``-inf`` where an item is not a candidate.
        k: from 1; cut to the number of columns.

    Returns:
        ids ``(B, K)`` and their scores ``(B, K)``; ``-inf`` where a row has fewer candidates.
    """
    k = min(k, scores_BI.shape[1])
    last_B1 = torch.topk(scores_BI, k, dim=1).values[:, -1:]
    above_BI, tied_BI = scores_BI > last_B1, scores_BI == last_B1
    room_B1 = k - above_BI.sum(dim=1, keepdim=True)
    chosen_BI = above_BI | (tied_BI & (tied_BI.cumsum(dim=1) <= room_B1))
    ids_BK = chosen_BI.nonzero()[:, 1].view(-1, k)  # ascending, so that the stable sort keeps lower ids first
    values_BK, order_BK = scores_BI.gather(1, ids_BK).sort(dim=1, descending=True, stable=True)
    return ids_BK.gather(1, order_BK), values_BK
