"""M3Rec keeps the contract of every system and of every causal one, in both forms and under each of its switches."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch

from model import M3Rec
from tests.model.causal_contract import CausalContract
from tests.model.contract import BOTH, draw_histories

SMALL = {"hidden": 8, "layers": 1, "state": 3}


def untrained(system: M3Rec) -> set[str]:
    """What the published form leaves as it was drawn: all that comes before a block in a content stream."""
    first = [f"layers.{number}.experts.{m}." for number in range(len(system.layers) - 1) for m in system.modalities]
    norms = [f"norms.{m}." for m in system.modalities]
    return {name for name, _ in system.named_parameters() if name.startswith((*first, *norms))}


class TestContract(CausalContract):
    OPTIONS = (
        {},
        {"form": "published", "layers": 2},
        {"router": True, "layers": 2, "kernel": 1},
        {"router": True, "ids": False, "expand": 1},
    )

    def make(self, modalities: Sequence[str] = BOTH, dropout: float = 0.0, **options: Any) -> M3Rec:
        sizes: Mapping[str, Any] = {**SMALL, **options}
        return M3Rec(modalities=modalities, dropout=dropout, **sizes)  # type: ignore[arg-type]

    def test_every_parameter_gets_a_gradient(self, options: Mapping[str, Any]) -> None:
        """All of them jointly; as published, all but those that its text names."""
        system, histories = self.bound(missing=True, **options), self.histories()
        assert isinstance(system, M3Rec)
        self.loss(system, histories, torch.tensor([1, 2, 3, 4])).backward()
        idle = {name for name, p in system.named_parameters() if p.grad is None or not p.grad.any()}
        assert idle == (untrained(system) if options.get("form") == "published" else set())


def built(**options: Any) -> M3Rec:
    """The same weights whichever the form."""
    system = TestContract().bound(**{"layers": 2, **options})
    assert isinstance(system, M3Rec)
    return system


def test_the_forms_differ_in_gradients_alone() -> None:
    published, joint = built(form="published"), built(form="joint")
    histories = draw_histories([1, 4, 6], 6, 14)
    torch.testing.assert_close(published.score(*histories), joint.score(*histories), rtol=0, atol=0)
    grads = []
    for system in (published, joint):
        system.score(*histories).square().sum().backward()
        grads.append({name: p.grad for name, p in system.named_parameters()})
    assert not torch.allclose(grads[0]["layers.0.mamba.in_proj.weight"], grads[1]["layers.0.mamba.in_proj.weight"])
    last = "layers.1.experts.image.narrow.bias"
    torch.testing.assert_close(grads[0][last], grads[1][last])


def test_what_the_shared_blocks_learn_in_the_published_form_comes_of_the_ids() -> None:
    """The gradient of the blocks is that of a model whose content streams are constants."""
    system = built(form="published")
    users = system.positions(*draw_histories([6, 6], 6, 14)[::2])
    contents, ids = users[..., :16], users[..., 16:]
    contents.sum().backward(retain_graph=True)
    blocks = {name: p for name, p in system.layers.named_parameters() if ".mamba." in name or ".norm." in name[:7]}
    assert len(blocks) == 22 and not any(p.grad is not None and p.grad.any() for p in blocks.values())
    ids.square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in blocks.values())


def test_the_router_weighs_the_experts() -> None:
    """With all weight on one expert, every stream gets that one's."""
    system = built(router=True, layers=1).eval()
    layer = system.layers[0]
    streams = {name: torch.randn(2, 5, 8) for name in ("text", "image", "ids")}
    with torch.no_grad():
        for router in layer.routers.values():
            router.weight.zero_()
            router.bias.copy_(torch.tensor([-50.0, 50.0, -50.0]))
    out = layer(streams)
    for name, x in streams.items():
        expected = layer.experts["image"](layer.norm(layer.mamba(x)))
        torch.testing.assert_close(out[name], expected)


def test_one_stream_needs_no_router() -> None:
    system = M3Rec(("text",), **SMALL, ids=False, router=True)
    assert not any("router" in name for name, _ in system.named_parameters())


def test_vectors_have_a_part_a_stream() -> None:
    system = built()
    with torch.no_grad():
        before = system.item_vectors()
        system.items.scales["text"].mul_(2)
        after = system.item_vectors()
    torch.testing.assert_close(after[:, :8], 2 * before[:, :8])
    torch.testing.assert_close(after[:, 8:], before[:, 8:], rtol=0, atol=0)
    torch.testing.assert_close(before[:, 16:], system.items.tables["ids"].rows.detach(), rtol=0, atol=0)


def test_without_ids_nothing_is_bound_to_a_catalogue() -> None:
    system = built(ids=False)
    assert not any(system.is_item_bound(name) for name in system.state_dict())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modalities": []}, "modalities"),
        ({"modalities": ["sound"]}, "sound"),
        ({"modalities": ["text", "text"]}, "each once"),
        ({"hidden": 0}, "hidden"),
        ({"layers": 0}, "layers"),
        ({"state": 0}, "state"),
        ({"dropout": 1.0}, "dropout"),
        ({"form": "published", "router": True}, "router"),
        ({"form": "other"}, "form"),
    ],
    ids=str,
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        M3Rec(**{**SMALL, **options})
