"""Everything that is told of a test beside its metrics, in one pass over what it found for each user."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from data.datamodule import DomainData
from data.features.load import load_features
from trainer.slices.accuracy import by_history_length, by_popularity
from trainer.slices.calibration import miscalibration, popularity_groups, shares
from trainer.slices.lists import concentration, coverage, diversity, novelty
from trainer.slices.training import Popularity, histories_before_test, training_popularity
from trainer.user_results import UserResults

_Content = tuple[Tensor, Tensor]


def slices_of(results: UserResults, data: DomainData, ks: Sequence[int] = (10, 20, 50)) -> dict[str, Any]:
    """What ``slices.json`` holds.

    Args:
        results: of the test.
        data: the domain, set up.
        ks: cut-offs of Hit, NDCG and MRR.

    Returns:
        ``history_length`` and ``popularity``: rows of slices with their users and metrics by name, ``test/hit@10``
        …; ``lists``: by reading, ``test`` or ``test_removed``, ``coverage@10`` and so on; ``content``: the modality
        whose vectors tell diversity, the same for every model on a domain, None where the domain has none.
    """
    popularity = training_popularity(data.store, data.holdout, data.n_items, data.drawn_S)
    modality, content = _content(data)
    return {
        "history_length": by_history_length(results, ks),
        "popularity": by_popularity(results, popularity, ks),
        "lists": {stage: _of_lists(results, stage, data, popularity, content) for stage in ("test", "test_removed")},
        "content": modality,
    }


def _of_lists(
    results: UserResults, stage: str, data: DomainData, popularity: Popularity, content: _Content | None
) -> dict[str, float | None]:
    lists_UK = results.of(stage)[1].long()
    found = {
        "coverage": coverage(lists_UK, data.n_items),
        "gini": concentration(lists_UK, data.n_items),
        "novelty": novelty(lists_UK, popularity),
        "diversity": None if content is None else diversity(lists_UK, *content),
        "miscalibration": _miscalibration(lists_UK, results.users, data, popularity),
    }
    return {f"{name}@{lists_UK.shape[1]}": value for name, value in found.items()}


def _miscalibration(lists_UK: Tensor, users_U: Tensor, data: DomainData, popularity: Popularity) -> float:
    groups_I = popularity_groups(popularity.counts_I)
    sequence_E, item_E = histories_before_test(data.store)
    tested_U = torch.from_numpy(np.isin(data.store.users, users_U.numpy()))
    history_U3 = shares(sequence_E, item_E, groups_I, len(data.store))[tested_U]
    rows, columns = lists_UK.nonzero(as_tuple=True)
    return miscalibration(history_U3, shares(rows, lists_UK[rows, columns], groups_I, len(lists_UK)))


def _content(data: DomainData) -> tuple[str | None, _Content | None]:
    """Row 0 is padding's. Text before pictures: more items have it."""
    names: tuple[Literal["text", "image"], ...] = ("text", "image")
    for name in names:
        table = load_features(data.domain.path, name, data.domain.items)
        if table is not None:
            values, present = torch.from_numpy(table.values), torch.from_numpy(table.present)
            return name, (F.pad(values, (0, 0, 1, 0)), F.pad(present, (1, 0)))
    return None, None
