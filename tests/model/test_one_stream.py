"""What all systems of one stream share: their rows' gradients."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from model import BSARec, GRU4Rec, Mamba4Rec, SASRec, TiM4Rec
from model.one_stream import OneStream
from tests.model.contract import draw_catalogue, draw_histories

ITEMS = 14
SYSTEMS: list[tuple[Callable[..., OneStream], dict[str, Any]]] = [
    (BSARec, {"inner": 8}),
    (GRU4Rec, {"inner": 8}),
    (Mamba4Rec, {"state": 3}),
    (SASRec, {"inner": 8}),
    (TiM4Rec, {"state": 3, "head_dim": 4}),
]


@pytest.mark.parametrize("modalities", [(), ("text", "image")], ids=["ids", "both"])
@pytest.mark.parametrize(("make", "sizes"), SYSTEMS, ids=[make.__name__ for make, _ in SYSTEMS])
def test_sparse_ids_get_the_same_gradient_in_the_rows_of_the_batch(
    make: Callable[..., OneStream], sizes: dict[str, Any], modalities: tuple[str, ...]
) -> None:
    histories, targets = draw_histories([1, 2], 2, ITEMS), torch.tensor([3, 9])
    gradients = []
    for sparse in (False, True):
        torch.manual_seed(0)
        system = make(modalities=modalities, hidden=8, dropout=0.0, sparse_ids=sparse, **sizes)
        system.bind(ITEMS, *draw_catalogue(ITEMS))
        F.cross_entropy(system.user(*histories) @ system.item_vectors(targets).T, torch.arange(2)).backward()
        rows = system.get_parameter("items.ids")
        assert rows.grad is not None and rows.grad.is_sparse == sparse
        gradients.append(rows.grad)
    touched = {*targets.tolist(), *histories[0].flatten().tolist()}
    assert set(gradients[1].coalesce().indices()[0].tolist()) == touched
    torch.testing.assert_close(gradients[0], gradients[1].to_dense())
