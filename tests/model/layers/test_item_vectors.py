"""One embedding an item: what it adds up, and that sharing changes nothing but the work."""

from typing import Any
from unittest.mock import patch

import pytest
import torch

from model.layers.content_table import ContentTable
from model.layers.item_vectors import ItemVectors
from tests.model.contract import draw_catalogue

ITEMS = 9


def make(ids: bool = True, modalities: tuple[str, ...] = ("text", "image"), **options: Any) -> ItemVectors:
    torch.manual_seed(0)
    features, present = draw_catalogue(ITEMS, missing=True)
    return ItemVectors(ITEMS, {name: features[name] for name in modalities}, present, 4, ids, **options).eval()


def test_it_adds_up_row_and_content() -> None:
    items = make()
    features, present = draw_catalogue(ITEMS, missing=True)
    assert items.ids is not None
    for item in range(1, ITEMS + 1):
        expected = items.ids[item].clone()
        for name in ("text", "image"):
            table = items.tables[name]
            assert isinstance(table, ContentTable)
            there = present[name][item - 1]
            expected += table.adapter(features[name][item - 1]) if there else table.missing
        torch.testing.assert_close(items(torch.tensor([item]))[0], expected)


@pytest.mark.parametrize("adaptor", ["linear", "experts"])
@pytest.mark.parametrize(("ids", "modalities"), [(True, ()), (True, ("text",)), (False, ("text", "image"))])
def test_ids_are_rows_of_all_shared_or_not(ids: bool, modalities: tuple[str, ...], adaptor: str) -> None:
    items = make(ids, modalities, adaptor=adaptor)
    whole = items()
    assert whole.shape == (ITEMS + 1, 4)
    for few in (torch.tensor([[3, 0], [9, 3]]), torch.arange(10).repeat(3)):
        torch.testing.assert_close(items(few), whole[few])
        with items.shared(few.numel()):
            torch.testing.assert_close(items(few), whole[few])


def test_shared_it_projects_once_and_forgets() -> None:
    items = make()
    with patch.object(items, "compute", wraps=items.compute) as compute:
        with items.shared(lookups=100):
            items(torch.tensor([1, 2])), items(), items()
            with items.shared():
                items()
        assert compute.call_count == 1
        items(), items()
        assert compute.call_count == 3, "weights may change outside"


def test_many_lookups_reach_every_weight() -> None:
    items = make()
    with items.shared(lookups=100):
        (items(torch.tensor([1, 2, 4])).sum() + items().square().sum()).backward()
    assert all(p.grad is not None and p.grad.any() for p in items.parameters())


def test_items_all_alike_are_refused() -> None:
    with pytest.raises(ValueError, match="alike"):
        ItemVectors(3, {}, {}, 4, ids=False)
