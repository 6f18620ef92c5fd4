"""Published MMM4Rec weights give the published outputs: golden vectors, and the equations written a second time."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.published import load_mmm4rec, read_mmm4rec
from tests.model.golden import GOLDEN, read_golden, weights_of
from tests.model.published_form import Naive, Sizes, draw_histories, random_weights

FILES = sorted(GOLDEN.glob("mmm4rec_*.safetensors"))


@pytest.mark.skipif(not FILES, reason=f"no golden vectors in {GOLDEN}")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_outputs(path: Path) -> None:
    tensors, config = read_golden(path)
    inputs = [tensors[f"input.{name}"] for name in ("items", "lengths", "timestamps")]
    model = load_mmm4rec(weights_of(tensors), config)
    with torch.no_grad():
        scores, user = model.score(*inputs), model.user(*inputs)
    torch.testing.assert_close(user, tensors["output.user"], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(scores, tensors["output.scores"], rtol=1e-4, atol=5e-6)
    published_loss = F.cross_entropy(scores, tensors["input.labels"])  # item 0 in the softmax, as published
    torch.testing.assert_close(published_loss, tensors["output.loss"], rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_layers": 2},
        {"num_layers": 2, "item_mm_fusion": "dynamic_shared", "p2p_residual": True},
        {"item_mm_fusion": "dynamic_instance"},
        {"item_mm_fusion": "dynamic_instance", "num_layers": 2, "is_ffn": False},
        {"is_time": False},
        {"is_time": False, "is_ffn": False, "num_layers": 2, "item_mm_fusion": "dynamic_shared"},
        {"is_ffn": False, "p2p_residual": True},
        {"n_groups": 1, "max_len": 8},
        {"n_groups": 4, "d_conv": 2, "expand": 1, "head_dim": 2},
    ],
    ids=lambda options: "-".join(f"{name}={value}" for name, value in options.items()) or "plain",
)
@pytest.mark.parametrize("id_bias", [True, False], ids=["ids", "no_ids"])
def test_equals_the_equations_written_plainly(options: dict[str, Any], id_bias: bool) -> None:
    sizes = Sizes(**options)
    weights = random_weights(sizes, id_bias)
    histories = draw_histories(sizes)
    model, naive = load_mmm4rec(weights, sizes.config()), Naive(weights, sizes)
    with torch.no_grad():
        user, scores = model.user(*histories), model.score(*histories)
    _assert_near(user, naive.user(*histories))
    _assert_near(scores, naive.score(*histories))
    assert not model.training


def _assert_near(ours: Tensor, expected: Tensor) -> None:
    assert ours.dtype == torch.float32 and ours.shape == expected.shape
    assert expected.std() > 0.1, "the weights are such that there is something to compare"
    torch.testing.assert_close(ours.double(), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_every_weight_matters() -> None:
    """The comparison above would notice any tensor that was read wrongly: each one moves the scores."""
    sizes = Sizes(item_mm_fusion="dynamic_instance")
    weights, histories = random_weights(sizes, id_bias=True), draw_histories(sizes)
    with torch.no_grad():
        before = load_mmm4rec(weights, sizes.config()).score(*histories)
        for name in weights:
            if name.startswith("decoder") and ".ssd." in name:
                continue  # the twin, changed with its first
            changed = {n: v + torch.linspace(0.2, 0.9, v.numel()).view(v.shape) if n == name else v
                       for n, v in weights.items()}  # fmt: skip
            changed |= {n.replace("encoder", "decoder"): changed[n] for n in [name] if ".ssd." in n}
            after = load_mmm4rec(changed, sizes.config()).score(*histories)
            assert not torch.allclose(before, after, rtol=0, atol=1e-7), f"{name} changes no score"


@pytest.fixture
def weights() -> dict[str, Tensor]:
    return random_weights(Sizes(), id_bias=True)


def test_an_unknown_tensor_is_refused(weights: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match=r"item_embedding\.weight.*another system"):
        load_mmm4rec({**weights, "item_embedding.weight": torch.zeros(3, 3)}, Sizes().config())


def test_an_unknown_tensor_in_a_layer_is_refused(weights: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match=r"encoder_ssd_layers\.0\.attention\.weight"):
        load_mmm4rec({**weights, "encoder_ssd_layers.0.attention.weight": torch.zeros(3, 3)}, Sizes().config())


def test_another_systems_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="another system"):
        load_mmm4rec({"item_embedding.weight": torch.zeros(3, 3)}, {})


@pytest.mark.parametrize("buffer", ["text_embedding", "vision_embedding"])
def test_missing_feature_buffers_are_named(weights: dict[str, Tensor], buffer: str) -> None:
    del weights[buffer]
    with pytest.raises(ValueError, match=buffer):
        load_mmm4rec(weights, Sizes().config())


def test_weights_without_buffers_still_read(weights: dict[str, Tensor]) -> None:
    full = read_mmm4rec(weights, Sizes().config())[1]
    bare = {name: value for name, value in weights.items() if not name.endswith("_embedding")}
    arguments, ours = read_mmm4rec(bare, Sizes().config())
    assert arguments["hidden"] == 8 and arguments["inner"] == 12 and arguments["window"] == 7
    assert ours.keys() == full.keys() and not any("features" in name for name in ours)


def test_twin_weights_that_differ_are_refused(weights: dict[str, Tensor]) -> None:
    twin = "decoder_ssd_layers.0.ssd.in_proj.weight"
    weights[twin] = weights[twin] + 1
    with pytest.raises(ValueError, match=r"decoder_ssd_layers\.0\.ssd\.in_proj\.weight.*twin"):
        load_mmm4rec(weights, Sizes().config())


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("text_in_layer_norm.weight", "text_norm.weight"),
        ("encoder_ssd_layers.0.layer_norm.bias", "layers.0.text_norm.bias"),
        ("decoder_ssd_layers.0.co_ssd.D", "layers.0.cross.space.D"),
        ("encoder_ssd_layers.0.ssd.A_log", "encoder_ssd_layers.0.ssd.A_log"),
        ("encoder_ssd_layers.0.ssd.out_proj.weight", "encoder_ssd_layers.0.ssd.out_proj.weight"),
    ],
)
def test_a_missing_weight_is_a_value_error_that_names_it(weights: dict[str, Tensor], missing: str, named: str) -> None:
    del weights[missing]
    with pytest.raises(ValueError, match=f"published weights.*{named}"):
        load_mmm4rec(weights, Sizes().config())


def test_a_config_that_does_not_fit_is_a_value_error(weights: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match="published weights"):
        load_mmm4rec(weights, {**Sizes().config(), "max_len": 9})
