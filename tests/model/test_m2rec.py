"""M2Rec keeps the contract of every system and of every causal one, whole and without each of its parts."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from model import M2Rec
from model.layers.feature_gate import FeatureGate
from model.layers.multi_scale import MultiScaleConv
from tests.model.causal_contract import CausalContract
from tests.model.contract import BOTH, draw_catalogue, draw_histories

SMALL: dict[str, Any] = {"hidden": 8, "layers": 1, "state": 3, "oscillations": 2, "groups": 2}


class TestContract(CausalContract):
    OPTIONS = (
        {},
        {"layers": 2, "fourier": False, "ids": False},
        {"multi_scale": False, "semantic": False},
        {"gate": False},
    )

    def make(self, modalities: Sequence[str] = BOTH, dropout: float = 0.0, **options: Any) -> M2Rec:
        sizes: Mapping[str, Any] = {**SMALL, **options}
        return M2Rec(modalities=modalities, dropout=dropout, **sizes)  # type: ignore[arg-type]


def built(**options: Any) -> M2Rec:
    system = TestContract().bound(**options)
    assert isinstance(system, M2Rec)
    return system


@pytest.mark.parametrize(
    ("options", "gone"),
    [
        ({"fourier": False}, ".fourier."),
        ({"semantic": False}, "semantic_norm"),
        ({"gate": False}, ".gate."),
        ({"fourier": False, "semantic": False}, ".gate."),
        ({"ids": False}, "items.ids"),
    ],
    ids=str,
)
def test_what_is_switched_off_has_no_weights(options: dict[str, bool], gone: str) -> None:
    assert any(gone in name for name in built().state_dict())
    assert not any(gone in name for name in built(**options).state_dict())


def test_one_scale_sees_four_positions_and_three_scales_seven() -> None:
    assert built().layers[0].temporal.conv.kernel == 7
    assert built(multi_scale=False).layers[0].temporal.conv.kernel == 4


def test_the_semantic_feature_is_the_content_of_the_item_at_hand() -> None:
    """Neither the history before it nor the item's own row shows in it; both do in the other features."""
    system, seen = built().eval(), []
    system.layers[0].gate.register_forward_pre_hook(lambda gate, given: seen.append(given[0]))
    histories = torch.tensor([[3, 9, 5], [7, 1, 5]])
    with torch.no_grad():
        system.positions(histories, histories)
        system.items.ids.normal_()
        system.positions(histories, histories)
    (temporal, fourier, semantic), after = seen
    torch.testing.assert_close(semantic[0, 2], semantic[1, 2])
    torch.testing.assert_close(semantic, after[2])
    for feature, later in ((temporal, after[0]), (fourier, after[1])):
        assert not torch.allclose(feature[0, 2], feature[1, 2], atol=1e-4)
        assert not torch.allclose(feature, later, atol=1e-4)


def test_items_without_ids_are_their_content_whatever_the_catalogue() -> None:
    """A shop's items, renumbered: the same vectors for the same content, since no row is learned for any."""
    features, present = draw_catalogue(14)
    system, turned = built(ids=False).eval(), torch.arange(13, -1, -1)
    before = system.item_vectors()
    other = TestContract().make(ids=False)
    other.bind(14, *({n: t[turned] for n, t in tables.items()} for tables in (features, present)))
    other.load_state_dict(system.state_dict())
    torch.testing.assert_close(other.item_vectors()[1:], before[1:][turned])


def test_sharing_the_projection_changes_nothing() -> None:
    system, histories = built(layers=2).eval(), draw_histories([6, 3], 6, 14)
    with torch.no_grad(), system.shared_items(10**6):
        shared = system.positions(histories[0], histories[2]), system.item_vectors()
    torch.testing.assert_close(system.positions(histories[0], histories[2]), shared[0])
    torch.testing.assert_close(system.item_vectors(), shared[1])


def test_the_scales_are_summed_by_their_weights() -> None:
    torch.manual_seed(0)
    conv, x_BLC = MultiScaleConv(2, (3, 5, 1)), torch.randn(2, 9, 2)
    with torch.no_grad():
        conv.mix.copy_(torch.tensor([0.3, -2.0, 1.5]))
    alone = [
        weight * F.conv1d(F.pad(x_BLC.mT, (scale.shape[2] - 1, 0)), scale, groups=2).mT
        for weight, scale in zip(conv.mix, conv.scales, strict=True)
    ]
    torch.testing.assert_close(conv(x_BLC), F.silu(torch.stack(alone).sum(0) + conv.bias))


def test_the_gate_weighs_each_group_of_channels_at_each_position() -> None:
    torch.manual_seed(0)
    gate, features = FeatureGate(3, 6, 2), [torch.randn(2, 4, 6) for _ in range(3)]
    out = gate(features)
    logits = torch.cat(features, -1) @ gate.weigh.weight.T + gate.weigh.bias
    for row, at, channel in ((0, 0, 0), (1, 3, 2), (1, 2, 3), (0, 1, 5)):
        group = channel // 3
        weights = torch.softmax(logits[row, at, [group, 2 + group, 4 + group]], 0)
        expected = sum(weight * feature[row, at, channel] for weight, feature in zip(weights, features, strict=True))
        torch.testing.assert_close(out[row, at, channel], expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modalities": []}, "modalities"),
        ({"modalities": ["sound"]}, "sound"),
        ({"hidden": 0}, "hidden"),
        ({"layers": 0}, "layers"),
        ({"state": 0}, "state"),
        ({"oscillations": 0}, "oscillations"),
        ({"groups": 3}, "groups = 3"),
        ({"groups": 0}, "groups = 0"),
        ({"dropout": 1.0}, "dropout"),
    ],
    ids=str,
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        M2Rec(**{**SMALL, **options})
