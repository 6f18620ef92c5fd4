"""What is recommended, whoever finds it good: coverage, concentration, novelty and diversity of the lists.

Shapes: U users, K items of a list (0 where it is shorter), I items (entry 0 padding), D width of content.
"""

import torch
from torch import Tensor

from data.gini import gini
from trainer.slices.training import Popularity

_USERS = 256  # whose content vectors are held at once


def coverage(lists_UK: Tensor, items: int) -> float:
    """Share of the catalogue that is in any list: ``|union of the lists| / I``.

    >>> coverage(torch.tensor([[1, 2], [2, 3]]), items=4)
    0.75
    """
    return len(torch.unique(lists_UK[lists_UK > 0])) / items


def concentration(lists_UK: Tensor, items: int) -> float:
    """Gini coefficient of how often each item of the catalogue is recommended; 0 where nothing is.

    Items 1 to 4 are recommended once, twice, once and never:

    >>> concentration(torch.tensor([[1, 2], [2, 3]]), items=4)
    0.375
    """
    return gini(torch.bincount(lists_UK.flatten().long(), minlength=items + 1)[1:].cpu().numpy())


def novelty(lists_UK: Tensor, popularity: Popularity) -> float:
    """Mean self-information of what is recommended, in bits.

    ``-log2(users who had the item in training / users)``, mean over a list, then over users with a list. An item
    that nobody had counts as if one user had had it.

    Of four users all had item 1, one had item 2, none item 3, so 0, 2 and 2 bits; lists of 1 and 2 bits:

    >>> novelty(torch.tensor([[1, 2], [3, 0]]), Popularity(torch.tensor([0, 4, 1, 0]), users=4))
    1.5
    """
    bits_I = -torch.log2(popularity.counts_I.clamp(min=1).double() / max(1, popularity.users))
    return _mean_of_lists(bits_I[lists_UK.long()], lists_UK > 0)


def diversity(lists_UK: Tensor, content_ID: Tensor, present_I: Tensor) -> float | None:
    """Intra-list diversity: ``1 - cosine`` of content vectors, mean over the pairs of a list, then over users.

    Items without content are left out; a list with fewer than two others is too. None where no list has a pair.
    Of unit vectors the mean cosine of the pairs is ``(|sum|² - n) / (n (n - 1))``.

    Vectors (1, 0), (0, 2) and (1, 0) have cosines 0, 1 and 0:

    >>> content = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
    >>> round(diversity(torch.tensor([[1, 2, 3]]), content, torch.tensor([False, True, True, True])), 4)
    0.6667
    """
    kept_UK = present_I[lists_UK.long()] & (lists_UK > 0)
    many_U = kept_UK.sum(dim=1)
    lists_UK, kept_UK, many_U = (column[many_U > 1] for column in (lists_UK.long(), kept_UK, many_U.double()))
    if not len(lists_UK):
        return None
    unit_ID = torch.nn.functional.normalize(content_ID, dim=1)
    squares = [
        (unit_ID[ids] * kept.unsqueeze(2)).double().sum(dim=1).square().sum(dim=1)
        for ids, kept in zip(torch.split(lists_UK, _USERS), torch.split(kept_UK, _USERS), strict=True)
    ]
    return float((1 - (torch.cat(squares) - many_U) / (many_U * (many_U - 1))).mean())


def _mean_of_lists(values_UK: Tensor, kept_UK: Tensor) -> float:
    """Mean over each list, then over the users who have one; 0 where none has."""
    many_U = kept_UK.sum(dim=1)
    means_U = torch.where(kept_UK, values_UK, 0.0).sum(dim=1) / many_U.clamp(min=1)
    return float(means_U.sum() / (many_U > 0).sum().clamp(min=1))
