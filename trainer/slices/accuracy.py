"""Hit, NDCG and MRR of users apart, by how long their history is and by how popular their target is.

Shapes: U users.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor

from trainer.metrics import RankMetrics
from trainer.slices.training import Popularity
from trainer.user_results import UserResults

_LENGTHS = (1, 6, 11, 21, 51)  # each slice begins here
_USERS = (1, 6, 21, 51)


def by_history_length(results: UserResults, ks: Sequence[int]) -> list[dict[str, Any]]:
    """A row a slice of users, by the events before the target; the whole history counts, not the window."""
    return _rows(results, results.lengths, _LENGTHS, ks)


def by_popularity(results: UserResults, popularity: Popularity, ks: Sequence[int]) -> list[dict[str, Any]]:
    """A row a slice of users, by how many users had the target in training.

    The first slice, ``cold``, is of targets that nobody had: only content can rank them.
    """
    counts_U = popularity.counts_I[results.targets]
    return [_row("cold", results, counts_U == 0, ks), *_rows(results, counts_U, _USERS, ks)]


def _rows(results: UserResults, values_U: Tensor, starts: Sequence[int], ks: Sequence[int]) -> list[dict[str, Any]]:
    inner = [
        _row(f"{start} to {stop - 1}", results, (values_U >= start) & (values_U < stop), ks)
        for start, stop in pairwise(starts)
    ]
    return [*inner, _row(f"{starts[-1]} and more", results, values_U >= starts[-1], ks)]


def _row(name: str, results: UserResults, chosen_U: Tensor, ks: Sequence[int]) -> dict[str, Any]:
    """Metrics are None where the slice has no user."""
    users = int(chosen_U.sum())
    found: dict[str, Any] = {"slice": name, "users": users}
    for stage in ("test", "test_removed"):
        metrics = RankMetrics(ks)
        metrics.update(results.of(stage)[0][chosen_U])
        found |= {f"{stage}/{name}": float(value) if users else None for name, value in metrics.compute().items()}
    return found
