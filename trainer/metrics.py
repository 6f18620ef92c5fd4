"""Hit, NDCG and MRR at K from ranks."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric


def ndcg(ranks: Tensor, k: Tensor | int = 10) -> Tensor:
    """NDCG@K of users with one target each, from its rank from 0: ``1 / log2(rank + 2)``, 0 from K on.

    >>> ndcg(torch.tensor([0.0, 2.0, 10.0, torch.inf]))
    tensor([1.0000, 0.5000, 0.0000, 0.0000])
    """
    return torch.where(ranks < k, 1 / torch.log2(ranks + 2), 0.0)


class RankMetrics(Metric):
    """Mean Hit@K, NDCG@K and MRR@K over users with one target each.

    With rank r counted from 0 (ties at half, so r may end in .5), for r < K:
    ``Hit = 1``, ``NDCG = 1 / log2(r + 2)``, ``MRR = 1 / (r + 1)``; 0 otherwise.

    >>> metrics = RankMetrics([10])
    >>> metrics.update(torch.tensor([0.0, 2.0, 11.0, 0.5]))
    >>> {name: round(value.item(), 4) for name, value in metrics.compute().items()}
    {'hit@10': 0.75, 'ndcg@10': 0.5641, 'mrr@10': 0.5}

    Args:
        ks: the K.
    """

    higher_is_better = True
    full_state_update = False
    sums: Tensor
    users: Tensor

    def __init__(self, ks: Sequence[int] = (10, 20, 50)) -> None:
        super().__init__()
        self.ks = tuple(ks)
        self.add_state("sums", torch.zeros(3, len(self.ks), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("users", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, ranks_B: Tensor) -> None:
        """Add users by their ranks from 0, ``(B,)``; infinite is a miss at every K."""
        ranks = ranks_B.double().unsqueeze(1)
        ks = torch.tensor(self.ks, device=ranks.device)
        inside = ranks < ks
        gains = torch.stack([inside.double(), ndcg(ranks, ks), torch.where(inside, 1 / (ranks + 1), 0.0)])
        self.sums += gains.sum(dim=1)
        self.users += len(ranks_B)

    @property
    def names(self) -> list[str]:
        """``hit@10``, ``ndcg@10``, ``mrr@10``, … in the order of ``compute``."""
        return [f"{name}@{k}" for k in self.ks for name in ("hit", "ndcg", "mrr")]

    def compute(self) -> dict[str, Tensor]:
        """``{"hit@10": …, "ndcg@10": …, "mrr@10": …, …}``; zero where there was no user."""
        means = self.sums / self.users.clamp(min=1)
        return dict(zip(self.names, means.T.flatten().float(), strict=True))
