"""Transfer accounts for every tensor, refuses what does not fit and changes nothing then."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from model import WindowMMM4Rec
from tests.trainer.tiny import make_system
from trainer.transfer import format_rows, transfer


def bound(items: int = 9, seed: int = 0, text: int = 6, image: int = 5, **options: Any) -> WindowMMM4Rec:
    system = make_system(**options)
    torch.manual_seed(seed)
    features = {"text": torch.randn(items, text), "image": torch.randn(items, image)}
    system.bind(items, features, {name: torch.ones(items, dtype=torch.bool) for name in features})
    for parameter in system.parameters():
        torch.nn.init.normal_(parameter)
    return system


def weights(system: WindowMMM4Rec) -> dict[str, Tensor]:
    return copy.deepcopy(dict(system.state_dict()))


def test_every_tensor_is_in_the_table_once_and_only_item_bound_ones_are_new() -> None:
    backbone, system = bound(items=20, seed=1, fusion="dynamic_instance"), bound(fusion="dynamic_instance")
    before = weights(system)
    rows = transfer(weights(backbone), system)
    assert sorted(row.name for row in rows) == sorted(before)
    fates = {row.name: row.fate for row in rows}
    new = {"items.tables.text.id_bias", "items.tables.image.id_bias", "items.fusion"}
    assert {name for name, fate in fates.items() if fate == "new (item-bound)"} == new
    assert {fate for name, fate in fates.items() if name not in new} == {"transferred"}
    after = system.state_dict()
    for name in before:
        source = before if name in new else backbone.state_dict()
        assert torch.equal(after[name], source[name]), name
        assert next(row.shape for row in rows if row.name == name) == tuple(after[name].shape)


def test_item_bound_rows_do_not_transfer_though_the_counts_agree() -> None:
    system = bound()
    before = weights(system)
    transfer(weights(bound(seed=1)), system)
    assert torch.equal(system.state_dict()["items.tables.text.id_bias"], before["items.tables.text.id_bias"])


@pytest.mark.parametrize(("ours", "theirs"), [(True, False), (False, True)])
def test_item_bound_rows_on_one_side_only(ours: bool, theirs: bool) -> None:
    rows = transfer(weights(bound(items=20, seed=1, id_bias=theirs)), bound(id_bias=ours))
    fates = {row.fate for row in rows if "id_bias" in row.name}
    assert fates == ({"new (item-bound)"} if ours else {"dropped (item-bound)"})


def test_every_mismatch_is_named_and_nothing_changed() -> None:
    system = bound()
    before, backbone = weights(system), weights(bound(seed=1))
    backbone["text_norm.weight"] = torch.zeros(9)
    backbone["stranger"] = torch.zeros(2, 3)
    del backbone["image_norm.bias"]
    with pytest.raises(ValueError) as error:
        transfer(backbone, system)
    message = str(error.value)
    assert "text_norm.weight: (9,) in the backbone, (8,) in the model" in message
    assert "stranger: in the backbone only" in message
    assert "image_norm.bias: not in the backbone" in message
    assert message.count("\n  ") == 3 and "--new" in message and "--drop" in message
    assert all(torch.equal(system.state_dict()[name], before[name]) for name in before)


def test_features_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match=r"items\.tables\.text\.adapter\.weight: \(8, 7\) in the backbone"):
        transfer(weights(bound(text=7)), bound())


def test_another_width_throughout_names_all() -> None:
    with pytest.raises(ValueError) as error:
        transfer(weights(bound(hidden=16, inner=16)), bound())
    named = [line for line in str(error.value).splitlines() if line.startswith("  ")]
    assert len(named) > 20 and not any("id_bias" in line for line in named)


def test_patterns_let_tensors_start_anew_or_stay_behind() -> None:
    backbone, system = weights(bound(seed=1, time=False)), bound(time=True)
    with pytest.raises(ValueError, match=r"gaps\.norm"):
        transfer(backbone, system, new=["layers.*.time.*"])
    before = weights(system)
    rows = transfer(backbone, system, new=["gaps.*", "layers.*.time.*"])
    fates = {row.name: row.fate for row in rows}
    assert fates["gaps.norm.weight"] == "new (asked for)" and fates["text_norm.weight"] == "transferred"
    assert torch.equal(system.state_dict()["gaps.norm.weight"], before["gaps.norm.weight"])
    rows = transfer(weights(bound(seed=1)), bound(time=False), drop=["gaps.*", "layers.*.time.*"])
    assert {row.name: row.fate for row in rows}["gaps.norm.weight"] == "dropped (asked for)"


def test_a_pattern_does_not_excuse_another_shape() -> None:
    backbone = weights(bound(seed=1)) | {"text_norm.weight": torch.zeros(9)}
    with pytest.raises(ValueError, match=r"text_norm\.weight: \(9,\)"):
        transfer(backbone, bound(), new=["text_norm.*"], drop=["text_norm.*"])


def test_the_table_counts_what_became_of_them() -> None:
    rows = transfer(weights(bound(items=20)), bound())
    table = format_rows(rows)
    assert table.splitlines()[-1] == f"2 new (item-bound), {len(rows) - 2} transferred"
    assert "10x8" in table and all(row.name in table for row in rows)
