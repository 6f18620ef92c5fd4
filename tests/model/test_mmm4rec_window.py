"""WindowMMM4Rec keeps the contract of every system, under each of its switches, and refuses what it cannot do."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch

from model import WindowMMM4Rec
from model.layers.dropout import Dropout
from tests.model.contract import BOTH, SystemContract

SMALL = {"hidden": 8, "inner": 8, "state": 3, "head_dim": 4, "groups": 2}


class TestContract(SystemContract):
    OPTIONS = (
        {},
        {"time": False, "fusion": "dynamic_shared", "skip": "plain"},
        {"layers": 2, "fusion": "dynamic_instance", "p2p_residual": True, "id_bias": False},
        {"ffn": False, "id_bias": False, "groups": 1},
    )

    def make(self, modalities: Sequence[str] = BOTH, dropout: float = 0.0, **options: Any) -> WindowMMM4Rec:
        sizes: Mapping[str, Any] = {**SMALL, "window": self.WINDOW, **options}
        return WindowMMM4Rec(modalities=modalities, dropout=dropout, **sizes)  # type: ignore[arg-type]


def test_the_same_dimensions_as_published_by_default() -> None:
    system = WindowMMM4Rec()
    assert system.arguments["hidden"] == 256 and system.arguments["groups"] == 8
    assert system.layers[0].ssd.in_proj.out_features == 2 * 512 + 2 * 8 * 64 + 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modalities": []}, "modalities"),
        ({"modalities": ["text", "text"]}, "modalities"),
        ({"modalities": ["sound"]}, "sound"),
        ({"head_dim": 5}, "head_dim = 5"),
        ({"groups": 3}, "groups = 3"),
        ({"dropout": 1.0}, "dropout = 1"),
        ({"dropout": -0.1}, "dropout"),
        ({"hidden": 0}, "hidden"),
        ({"layers": 0}, "layers"),
        ({"window": 0}, "window"),
        ({"kernel": 0}, "kernel"),
        ({"temperature": 0.0}, "temperature"),
    ],
    ids=str,
)
def test_wrong_sizes_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WindowMMM4Rec(**{**SMALL, **options})


def test_a_history_beyond_the_window_is_refused() -> None:
    system = TestContract().bound()
    items = torch.ones(1, 7, dtype=torch.long)
    with pytest.raises(ValueError, match=r"7 positions.*window of 6"):
        system.user(items, torch.tensor([7]), items)


def test_with_time_off_timestamps_are_not_read() -> None:
    system = TestContract().bound(time=False).eval()
    items, lengths, times = TestContract().histories()
    assert torch.equal(system.user(items, lengths, times), system.user(items, lengths, times * 3))


def test_with_time_on_they_are() -> None:
    system = TestContract().bound().eval()
    items, lengths, times = TestContract().histories()
    changed = times.clone()
    changed[3, 2] += 10**6
    before, after = system.user(items, lengths, times), system.user(items, lengths, changed)
    assert torch.equal(before[:3], after[:3]) and not torch.equal(before[3], after[3])


def test_gaps_of_seconds_survive_float32() -> None:
    """A float32 of 2018's seconds is only good to two minutes; gaps are taken before rounding."""
    system = TestContract().bound().eval()
    items, lengths, times = TestContract().histories((6,))
    times = torch.arange(6).unsqueeze(0) * 7 + 1_514_764_801
    torch.testing.assert_close(system.user(items, lengths, times), system.user(items, lengths, times - 1_514_764_801))


@pytest.mark.parametrize("shape", [(1,), (3, 5), (7, 11, 13)])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_share_and_the_mean(share: float, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    drop, x = Dropout(share), torch.ones(shape, requires_grad=True)
    y = torch.stack([drop(x) for _ in range(20_000 // x.numel() + 1)])
    assert y.shape[1:] == shape
    assert (y == 0).float().mean().item() == pytest.approx(share, abs=0.02)
    assert y.mean().item() == pytest.approx(1, abs=0.08)
    assert torch.equal(drop.eval()(x), x)


def test_dropout_gradient_is_its_mask() -> None:
    x = torch.randn(64, 33, requires_grad=True)
    y = Dropout(0.4)(x)
    y.sum().backward()
    torch.testing.assert_close(x.grad * x, y)
    columns = torch.stack([Dropout(0.5)(torch.ones(4096)).view(-1, 4) for _ in range(4)]).ne(0).float()
    assert (columns.mean((0, 1)) - 0.5).abs().max() < 0.03, "each of the four draws of a word is fair"


def test_sparse_ids_get_the_same_gradient_in_the_rows_of_the_batch() -> None:
    gradients = []
    for sparse in (False, True):
        system, histories = (
            TestContract().bound(sparse_ids=sparse, fusion="dynamic_instance"),
            TestContract().histories(),
        )
        targets = torch.tensor([1, 2, 3, 4])
        logits = system.user(histories[0][:, :1], torch.ones(4, dtype=torch.long), histories[2]) @ (
            system.item_vectors(targets).T
        )
        torch.nn.functional.cross_entropy(logits, torch.arange(4)).backward()
        tables = [system.items.tables["text"].id_bias, system.items.tables["image"].id_bias, system.items.fusion]
        assert all(table.grad.is_sparse == sparse for table in tables)
        gradients.append([table.grad.to_dense() for table in tables])
    torch.testing.assert_close(*gradients)
