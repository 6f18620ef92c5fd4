"""Exact ranks over the whole catalogue, beside the bare matmul and a sort: ``python -m bench.ranking``.

Shapes: B users, d width, I items (row 0 padding), S longest history.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.harness import Work, compare
from bench.options import Options, sized
from bench.report import Row
from bench.run import Rates, main
from trainer.ranks import target_ranks

_BLOCK = 1 << 24  # scores that the bare matmul holds at once


@dataclass
class RankingOptions(Options):
    """Ranks of one batch's targets, and a slice of a large evaluation.

    Args:
        users: of the batch (1024; smallest 20).
        items: of its catalogue (4385; smallest 70).
        hidden: d (256; smallest 8).
        history: items that each user had (20; smallest 3).
        many_users: of the large slice (1000; smallest 10).
        many_items: of its catalogue (1000000; smallest 300).
        many_hidden: its d (64; smallest 4).
    """

    users: int = sized(1024, 20)
    items: int = sized(4385, 70)
    hidden: int = sized(256, 8)
    history: int = sized(20, 3)
    many_users: int = sized(1000, 10)
    many_items: int = sized(1_000_000, 300)
    many_hidden: int = sized(64, 4)


def measure(options: RankingOptions, rates: Rates) -> Iterator[Row]:
    """Rows of the batch, with the sort, and of the large slice, without."""
    yield from _rows(options, options.users, options.items, options.hidden, sort=True)
    yield from _rows(options, options.many_users, options.many_items, options.many_hidden, sort=False)


def _rows(options: RankingOptions, users: int, items: int, hidden: int, sort: bool) -> Iterator[Row]:
    device = options.where
    user_Bd, items_Id = torch.randn(users, hidden, device=device), torch.randn(items + 1, hidden, device=device)
    targets_B = torch.randint(1, items + 1, (users,), device=device)
    seen_BS = torch.randint(1, items + 1, (users, options.history), device=device)
    works: dict[str, Work] = {
        "matmul": lambda: blocked_matmul(user_Bd, items_Id),
        "target_ranks": lambda: target_ranks(user_Bd, items_Id, targets_B, seen_BS),
    }
    if sort:
        scores_BI = user_Bd @ items_Id.T
        works["argsort of the scores"] = lambda: scores_BI.argsort(dim=1, descending=True)
    with torch.inference_mode():
        timed = compare(works, options.repeats, device)
    matmul = timed["matmul"].median
    for work, measured in timed.items():
        beyond = None if work == "matmul" else measured.median - (matmul if work == "target_ranks" else 0)
        told = {"work": work, "users": users, "items": items, "d": hidden, **measured.row()}
        yield {**told, "users/s": users / measured.median, "beyond_matmul": beyond}


def blocked_matmul(user_Bd: Tensor, items_Id: Tensor) -> None:
    """Every score once, in blocks of users into one piece of memory."""
    rows = max(1, _BLOCK // len(items_Id))
    out = user_Bd.new_empty(min(rows, len(user_Bd)), len(items_Id))
    for users in torch.split(user_Bd, rows):
        torch.mm(users, items_Id.T, out=out[: len(users)])


if __name__ == "__main__":
    main("ranking", RankingOptions, measure)
