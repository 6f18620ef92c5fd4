"""MMM4Rec's item table: what it adds up under each adaptor, and where its gradients go."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from model.layers.adaptor import WhiteningExperts
from model.layers.items import ItemTable
from tests.model.contract import draw_catalogue

ITEMS = 9


def make(**options: Any) -> ItemTable:
    torch.manual_seed(0)
    given: dict[str, Any] = {"id_bias": True, "sparse": False, "fusion": "static", "temperature": 0.5, **options}
    return ItemTable(*draw_catalogue(ITEMS, missing=True), 4, **given).eval()


@pytest.mark.parametrize("adaptor", ["linear", "experts"])
def test_an_item_is_the_sum_of_its_contents_of_length_one(adaptor: str) -> None:
    items = make(adaptor=adaptor)
    features, present = draw_catalogue(ITEMS, missing=True)
    for item in range(1, ITEMS + 1):
        expected = torch.zeros(4)
        for name, table in items.tables.items():
            adapted = table.adapter(features[name][item - 1])
            content = adapted if present[name][item - 1] else table.missing
            expected += F.normalize(content + table.id_bias[item], dim=0)
        torch.testing.assert_close(items(torch.tensor([item]))[0], expected / 0.5)


@pytest.mark.parametrize("fusion", ["static", "dynamic_shared", "dynamic_instance"])
def test_experts_learn_and_keep_to_the_table(fusion: str) -> None:
    items = make(adaptor="experts", fusion=fusion).train()
    assert all(isinstance(table.adapter, WhiteningExperts) for table in items.tables.values())
    (items() * torch.randn(ITEMS + 1, 4)).sum().backward()
    assert not [name for name, p in items.named_parameters() if p.grad is None or not p.grad.any()]
    items.eval()
    few = torch.tensor([3, 9, 3])
    torch.testing.assert_close(items(few), items()[few])


def test_names_under_which_checkpoints_keep_it() -> None:
    assert set(make(fusion="dynamic_shared").state_dict()) == {
        *(f"tables.{m}.{part}" for m in ("text", "image") for part in ("missing", "id_bias")),
        *(f"tables.{m}.adapter.{part}" for m in ("text", "image") for part in ("weight", "bias")),
        "fusion",
    }


def test_an_unknown_adaptor_is_refused() -> None:
    with pytest.raises(ValueError, match="'mlp'"):
        make(adaptor="mlp")
