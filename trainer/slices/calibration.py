"""Whether people who like what few know are shown what few know.

Shapes: U users, E events, K items of a list (0 where it is shorter), I items (entry 0 padding), 3 groups.
"""

import torch
from torch import Tensor


def popularity_groups(counts_I: Tensor) -> Tensor:
    """``(I+1,)``: 0 head, 1 middle, 2 tail; what begins in the first 20 % of interactions is head, in the last tail.

    Items go from the most to the least popular, of equal ones the lower id first; one that nobody had is tail.

    Of 10 interactions the items 1 to 4 have 5, 1, 3 and 1, and so begin at 0, .8, .5 and .9 of them:

    >>> popularity_groups(torch.tensor([0, 5, 1, 3, 1]))[1:].tolist()
    [0, 2, 1, 2]
    """
    order_I = counts_I[1:].sort(descending=True, stable=True)
    total, begins_I = order_I.values.sum(), order_I.values.cumsum(0) - order_I.values
    groups_I = (5 * begins_I >= total).long() + (5 * begins_I >= 4 * total).long()  # in whole numbers: no rounding
    found_I = torch.zeros_like(counts_I)
    found_I[order_I.indices + 1] = groups_I.masked_fill(order_I.values == 0, 2)
    return found_I


def shares(rows_E: Tensor, items_E: Tensor, groups_I: Tensor, rows: int) -> Tensor:
    """``(rows, 3)``: of each row's events, the share that is head, middle and tail; 0 of a row without events."""
    counts = torch.bincount(rows_E * 3 + groups_I[items_E], minlength=rows * 3).view(rows, 3).double()
    return counts / counts.sum(dim=1, keepdim=True).clamp(min=1)


def miscalibration(history_U3: Tensor, list_U3: Tensor) -> float:
    """Mean Jensen-Shannon divergence, in bits, of head, middle and tail in the history and in the list.

    ``H((p + q) / 2) - (H(p) + H(q)) / 2``: 0 where lists are as the histories are, 1 where they have no group in
    common (the user popularity deviation of Abdollahpouri et al., 2021). Users without a list are left out.

    One user is shown what he likes; the other liked head and tail and is shown head alone, 0.8113 - 0.5 bits:

    >>> history = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.0, 0.5]])
    >>> round(miscalibration(history, torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])), 4)
    0.1556
    """
    shown_U = list_U3.sum(dim=1) > 0
    p, q = history_U3[shown_U].double(), list_U3[shown_U].double()
    divergence_U = _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2
    return float(divergence_U.clamp(min=0).sum() / max(1, len(divergence_U)))


def _entropy(shares_U3: Tensor) -> Tensor:
    return -torch.xlogy(shares_U3, shares_U3).sum(dim=1) / torch.log(torch.tensor(2.0, dtype=shares_U3.dtype))
