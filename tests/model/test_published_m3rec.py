"""Published M3Rec weights give the published outputs: golden vectors, and the equations written a second time."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.published import load_m3rec, read_m3rec
from tests.model.golden import GOLDEN, read_golden, weights_of
from tests.model.published_m3rec import Naive, Sizes, draw_histories, random_weights

FILES = sorted(GOLDEN.glob("m3rec_*.safetensors"))


@pytest.mark.skipif(not FILES, reason=f"no golden vectors in {GOLDEN}")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_outputs(path: Path) -> None:
    tensors, config = read_golden(path)
    items, lengths = tensors["input.items"], tensors["input.lengths"]
    model = load_m3rec(weights_of(tensors), config)
    with torch.no_grad():
        scores, user = model.score(items, lengths), model.user(items, lengths, torch.zeros_like(items))
    torch.testing.assert_close(user, tensors["output.user"], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(scores, tensors["output.scores"], rtol=1e-4, atol=1e-6)
    published_loss = F.cross_entropy(scores, tensors["input.labels"])  # item 0 in the softmax, as published
    torch.testing.assert_close(published_loss, tensors["output.loss"], rtol=1e-4, atol=0)
    assert model.arguments["dropout"] == config["dropout_prob"] and model.arguments["form"] == "published"


@pytest.mark.parametrize(
    "options",
    [{}, {"num_layers": 2}, {"num_layers": 3, "expand": 1, "d_conv": 2}, {"hidden_size": 20, "d_state": 1}],
    ids=lambda options: "-".join(f"{name}={value}" for name, value in options.items()) or "plain",
)
def test_equals_the_equations_written_plainly(options: dict[str, Any]) -> None:
    sizes = Sizes(**options)
    weights, histories = random_weights(sizes), draw_histories()
    model, naive = load_m3rec(weights, sizes.config()), Naive(weights, sizes)
    with torch.no_grad():
        user, scores = model.user(*histories, torch.zeros_like(histories[0])), model.score(*histories)
    _assert_near(user, naive.user(*histories))
    _assert_near(scores, naive.score(*histories))
    assert not model.training


def _assert_near(ours: Tensor, expected: Tensor) -> None:
    assert ours.dtype == torch.float32 and ours.shape == expected.shape
    assert expected.std() > 0.1, "the weights are such that there is something to compare"
    torch.testing.assert_close(ours.double(), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_every_weight_matters() -> None:
    """The comparison above would notice any tensor that was read wrongly: each one moves the scores."""
    sizes = Sizes(num_layers=2)
    weights, histories = random_weights(sizes), draw_histories()
    with torch.no_grad():
        before = load_m3rec(weights, sizes.config()).score(*histories)
        for name, value in weights.items():
            moved = value + torch.linspace(0.2, 0.9, value.numel()).view(value.shape)
            after = load_m3rec({**weights, name: moved}, sizes.config()).score(*histories)
            assert not torch.allclose(before, after, rtol=0, atol=1e-6), f"{name} changes no score"


@pytest.fixture
def weights() -> dict[str, Tensor]:
    return random_weights(Sizes())


@pytest.mark.parametrize("name", ["mamba_block.0.attention.weight", "text_adapter.0.weight", "img_trans.1.weight"])
def test_an_unknown_tensor_is_refused(weights: dict[str, Tensor], name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}.*another system"):
        load_m3rec({**weights, name: torch.zeros(3, 3)}, {})


def test_another_systems_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="another system"):
        load_m3rec({"item_embedding.weight": torch.zeros(3, 3)}, {})


@pytest.mark.parametrize("buffer", ["text_feat.weight", "img_feat.weight"])
def test_missing_feature_buffers_are_named(weights: dict[str, Tensor], buffer: str) -> None:
    full = read_m3rec(weights, {})[1]
    del weights[buffer]
    with pytest.raises(ValueError, match=buffer):
        load_m3rec(weights, {})
    assert read_m3rec(weights, {})[1].keys() == full.keys(), "the weights alone still read"


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("LayerNorm.weight", "norms.ids.weight"),
        ("img_alpha", "items.scales.image"),
        ("text_mamba_ffn.0.w_2.bias", "layers.0.experts.text.narrow.bias"),
        ("mamba_block.0.mamba.D", "layers.0.mamba.D"),
        ("mamba_block.0.mamba.A_log", "mamba_block.0.mamba.A_log"),
    ],
)
def test_a_missing_weight_is_a_value_error_that_names_it(weights: dict[str, Tensor], missing: str, named: str) -> None:
    del weights[missing]
    with pytest.raises(ValueError, match=f"published weights.*{named}"):
        load_m3rec(weights, {})


def test_weights_that_do_not_fit_each_other_are_a_value_error(weights: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match=r"published weights.*items\.tables\.ids"):
        load_m3rec({**weights, "item_embedding.weight": torch.zeros(3, 6)}, {})
