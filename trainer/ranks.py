"""Ranks of the targets over the whole catalogue, by counting: no sort, and no ``(users, items)`` matrix.

Shapes: B batch, R users of a block, C items of a block, d width, I items (row 0 padding), S longest whole history.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

# A matmul ends in other kernels where its sides do not divide, and these round differently: two items with the same
# vector would not tie. In multiples of these sides float32 scores do, wherever the items stand.
_USERS, _ITEMS = 16, 64


class Block(NamedTuple):
    """How many scores are held at once."""

    users: int
    items: int


def target_ranks(
    user_Bd: Tensor, items_Id: Tensor, targets_B: Tensor, seen_BS: Tensor, block: Block | None = None
) -> tuple[Tensor, Tensor]:
    """Ranks from 0, in two readings: as published, and with each user's history removed.

    ``rank = #(score > target) + ½·#(score = target, other items)``; padding is never a candidate. A score
    that is not a number counts as higher, so a diverged model ranks last, not first; an infinite one counts as the
    largest number. With history removed, a target that the user had before cannot be recommended: its rank is
    infinite, a miss at every K.

    Args:
        user_Bd: user vectors.
        items_Id: item vectors, row 0 padding.
        targets_B: ids from 1.
        seen_BS: ids of the whole history, 0 where there is none.
        block: chosen by size and device by default.

    Returns:
        ``(B,)`` as published and ``(B,)`` with history removed, float64.
    """
    catalogue = _Catalogue(items_Id, block or _choose_block(len(items_Id) - 1, user_Bd.device.type))
    readings = [
        catalogue.ranks(user_Rd, targets_R, seen_RS)
        for user_Rd, targets_R, seen_RS in zip(
            *(torch.split(rows, catalogue.users) for rows in (user_Bd, targets_B, seen_BS)), strict=True
        )
    ]
    published, removed = zip(*readings, strict=True)
    return torch.cat(published), torch.cat(removed)


def _choose_block(items: int, device: str) -> Block:
    """As many scores as stay in the caches: 4 MiB of float32 on a processor, 32 MiB on an accelerator."""
    side, scores = (1024, 1 << 20) if device == "cpu" else (2048, 1 << 23)
    if items <= 8 * side:  # one block holds the target's score too, which is a matmul less
        return Block(max(1, scores // max(1, items)), items)
    return Block(side, scores // side)


class _Catalogue:
    """The item vectors in blocks of one shape, the last filled up, and the memory for one block of scores."""

    def __init__(self, items_Id: Tensor, block: Block) -> None:
        self.items_Id, self.number = items_Id, len(items_Id) - 1
        self.width = -(-max(1, min(block.items, self.number)) // _ITEMS) * _ITEMS
        self.starts = range(1, self.number + 1, self.width)
        self.users = block.users if len(self.starts) <= 1 else min(block.users, self.width)
        self._vectors = [items_Id[start : start + self.width] for start in self.starts]
        self._vectors[-1:] = [F.pad(last, (0, 0, 0, self.width - len(last))) for last in self._vectors[-1:]]
        self._held = items_Id.new_empty(0, self.width)

    def ranks(self, user_Rd: Tensor, targets_R: Tensor, seen_RS: Tensor) -> tuple[Tensor, Tensor]:
        """As ``target_ranks``, of one block of users."""
        targets_R1 = targets_R.unsqueeze(1)
        own, seen = _Pairs(targets_R1, self.starts), _Pairs(seen_RS, self.starts)
        lead_R = torch.zeros(len(user_Rd), dtype=torch.float64, device=user_Rd.device)  # items above less items below
        target_R1 = self._target_scores(user_Rd, targets_R) if len(self.starts) > 1 else None
        for block, start in enumerate(self.starts):
            scores_RC = self._scores(user_Rd, self._vectors[block])
            if target_R1 is None:
                target_R1 = scores_RC.gather(1, targets_R1 - start)
            signs_RC = _compare(scores_RC, target_R1)
            lead_R += signs_RC[:, : self.number + 1 - start].sum(dim=1, dtype=torch.float32)
            for pairs in (own, seen):
                pairs.count(block, signs_RC)
        others, lead_R = self.number - 1, lead_R - own.lead_R
        published, removed = (others + lead_R) / 2, (others - seen.number_R + lead_R - seen.lead_R) / 2
        return published, removed.masked_fill((seen_RS == targets_R1).any(dim=1), torch.inf)

    def _scores(self, user_Rd: Tensor, items_Cd: Tensor) -> Tensor:
        padded_Rd = F.pad(user_Rd, (0, 0, 0, -len(user_Rd) % _USERS))
        if len(self._held) < len(padded_Rd):
            self._held = items_Cd.new_empty(len(padded_Rd), self.width)
        return torch.mm(padded_Rd, items_Cd.T, out=self._held[: len(padded_Rd)])[: len(user_Rd)]

    def _target_scores(self, user_Rd: Tensor, targets_R: Tensor) -> Tensor:
        """``(R, 1)``, from a matmul of the blocks' shape, so that they have the same last bit as there."""
        repeated_C = targets_R[torch.arange(self.width, device=targets_R.device) % max(1, len(targets_R))]
        return self._scores(user_Rd, self.items_Id[repeated_C]).diagonal().unsqueeze(1).clone()


class _Pairs:
    """Distinct users and items of ``ids_RS`` (0 is none): how many a user has, and how many lead the target."""

    def __init__(self, ids_RS: Tensor, starts: range) -> None:
        users = len(ids_RS)
        rows_RS = torch.arange(users, device=ids_RS.device).unsqueeze(1).expand_as(ids_RS)
        codes = torch.unique((ids_RS * users + rows_RS)[ids_RS > 0])  # ascending by item
        self._rows, ids = codes % max(1, users), codes // max(1, users)
        self._columns = (ids - 1) % starts.step
        self._edges = torch.searchsorted(ids, torch.tensor([*starts, starts.stop], device=ids.device)).tolist()
        self.number_R = torch.bincount(self._rows, minlength=users)
        self.lead_R = torch.zeros(users, dtype=torch.float64, device=ids.device)

    def count(self, block: int, signs_RC: Tensor) -> None:
        """Add the signs of the items in that block."""
        here = slice(self._edges[block], self._edges[block + 1])
        rows = self._rows[here]
        self.lead_R.index_add_(0, rows, signs_RC[rows, self._columns[here]].double())


def _compare(scores_RC: Tensor, target_R1: Tensor) -> Tensor:
    """1 where the score is higher, 0 where it ties, -1 where it is lower; in the memory of the scores."""
    number_R1 = target_R1.nan_to_num(nan=-torch.inf)  # below every score, and a score that is no number above
    return scores_RC.nan_to_num_(nan=torch.inf).sub_(number_R1).sign_()
