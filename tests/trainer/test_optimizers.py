"""Row-wise steps against dense ones, against ``SparseAdam``, resumed, scheduled, and by what they touch."""

import copy
from pathlib import Path

import lightning as L
import pytest
import torch
import torch.nn.functional as F
from jsonargparse import ArgumentParser
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn

from tests.trainer.largest import Largest
from trainer.optimizers import RowWiseAdam, RowWiseAdamW, RowWiseNAdam

PAIRS = [
    (RowWiseNAdam, torch.optim.NAdam),
    (RowWiseAdam, torch.optim.Adam),
    (RowWiseAdamW, torch.optim.AdamW),
]


class Shop(nn.Module):
    """A table of items looked up row by row, and a dense layer."""

    def __init__(self, items: int = 9, sparse: bool = True) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(0)
        self.table = nn.Parameter(torch.randn(items, 3, generator=random))
        self.dense = nn.Linear(3, 2)
        nn.init.constant_(self.dense.weight, 0.5)
        nn.init.zeros_(self.dense.bias)
        self.sparse = sparse

    def forward(self, ids: Tensor) -> Tensor:
        return self.dense(F.embedding(ids, self.table, sparse=self.sparse)).square().sum()


def train(shop: Shop, optimizer: torch.optim.Optimizer, batches: list[list[int]]) -> None:
    for batch in batches:
        optimizer.zero_grad()
        shop(torch.tensor(batch, dtype=torch.long)).backward()
        optimizer.step()


def same(ours: nn.Module, theirs: nn.Module, **tolerance: float) -> None:
    for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, msg=lambda m, name=name: f"{name}: {m}", **tolerance)


@pytest.mark.parametrize(("row_wise", "plain"), PAIRS)
@pytest.mark.parametrize("foreach", [False, True])
def test_rows_that_every_batch_has_move_as_in_the_plain_optimizer(row_wise, plain, foreach: bool) -> None:
    """With decay too, when every row is among them."""
    for batches, decay in (([[1, 4, 4]] * 4, 0.0), ([[*range(9), 2]] * 4, 0.1)):
        shops = Shop(sparse=True), Shop(sparse=False)
        for shop, optimizer in zip(shops, (row_wise, plain), strict=True):
            train(shop, optimizer(shop.parameters(), lr=0.1, weight_decay=decay, foreach=foreach), batches)
        same(*shops)
        assert not torch.equal(shops[0].table, Shop().table)


@pytest.mark.parametrize(("row_wise", "plain"), PAIRS)
def test_dense_gradients_are_stepped_as_ever(row_wise, plain) -> None:
    shops = Shop(sparse=False), Shop(sparse=False)
    for shop, optimizer in zip(shops, (row_wise, plain), strict=True):
        train(shop, optimizer(shop.parameters(), lr=0.1, weight_decay=0.1), [[1, 2], [5], [1, 1]])
    same(*shops, rtol=0, atol=0)


def test_rows_come_and_go_as_in_sparse_adam() -> None:
    batches = [[1, 4], [2, 4, 4], [7], [1, 2], []]
    ours, theirs = Shop(), Shop()
    theirs.dense.requires_grad_(False)
    ours.dense.requires_grad_(False)
    train(ours, RowWiseAdam([ours.table], lr=0.1, eps=1e-16), batches)
    train(theirs, torch.optim.SparseAdam([theirs.table], lr=0.1, eps=1e-16), batches)
    same(ours, theirs)


@pytest.mark.parametrize("row_wise", [pair[0] for pair in PAIRS])
def test_other_rows_rest(row_wise) -> None:
    """Also those with momentum from an earlier batch, and from decay."""
    shop = Shop()
    optimizer = row_wise(shop.parameters(), lr=0.1, weight_decay=0.1)
    train(shop, optimizer, [[1, 2]])
    before, momentum = shop.table.detach().clone(), optimizer.state[shop.table]["exp_avg"].clone()
    train(shop, optimizer, [[2, 3]])
    moved = (shop.table != before).any(dim=1)
    assert moved.nonzero().flatten().tolist() == [2, 3]
    changed = (optimizer.state[shop.table]["exp_avg"] != momentum).any(dim=1)
    assert changed.nonzero().flatten().tolist() == [2, 3]


@pytest.mark.parametrize("row_wise", [pair[0] for pair in PAIRS])
def test_resumes_exactly(row_wise, tmp_path: Path) -> None:
    batches = [[1, 2], [2, 5, 5], [1], [8, 2]]
    through, first = Shop(), Shop()
    options = {"lr": 0.1, "weight_decay": 0.01}
    train(through, row_wise(through.parameters(), **options), batches)
    stopped = row_wise(first.parameters(), **options)
    train(first, stopped, batches[:2])
    torch.save(stopped.state_dict(), tmp_path / "state")
    second = copy.deepcopy(first)
    resumed = row_wise(second.parameters(), **options)
    resumed.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    train(second, resumed, batches[2:])
    same(second, through, rtol=0, atol=0)


def test_the_state_is_laid_out_as_the_plain_optimizer_lays_it_out() -> None:
    states = []
    for sparse, make in ((True, RowWiseNAdam), (False, torch.optim.NAdam)):
        shop = Shop(sparse=sparse)
        optimizer = make(shop.parameters(), lr=0.1)
        train(shop, optimizer, [[1, 4]] * 3)
        states.append(optimizer.state_dict())
    ours, theirs = states
    assert ours["param_groups"][0]["params"] == theirs["param_groups"][0]["params"]
    assert {k: list(v) for k, v in ours["state"].items()} == {k: list(v) for k, v in theirs["state"].items()}
    for index, state in theirs["state"].items():
        for name, value in state.items():
            torch.testing.assert_close(ours["state"][index][name], value)


def test_a_step_makes_nothing_as_large_as_the_table() -> None:
    shop = Shop(items=1000)
    optimizer = RowWiseNAdam(shop.parameters(), lr=0.1, weight_decay=0.1)
    train(shop, optimizer, [[1, 2]])  # makes the state
    optimizer.zero_grad()
    shop(torch.tensor([3, 4, 5])).backward()
    with Largest() as largest:
        optimizer.step()
    assert largest.elements == 3 * 3, "its rows"


def test_a_failed_step_leaves_the_groups_as_they_were() -> None:
    shop = Shop()
    optimizer = RowWiseAdam(shop.parameters(), lr=0.1)
    shop(torch.tensor([1])).backward()
    optimizer.param_groups[0]["betas"] = None
    with pytest.raises(TypeError):
        optimizer.step()
    assert [id(p) for p in optimizer.param_groups[0]["params"]] == [id(p) for p in shop.parameters()]
    assert not optimizer.state_dict()["state"]


def test_a_gradient_of_single_elements_is_refused() -> None:
    table = nn.Parameter(torch.randn(4, 3))
    table.grad = torch.sparse_coo_tensor(torch.tensor([[1], [2]]), torch.tensor([1.0]), (4, 3), check_invariants=True)
    with pytest.raises(ValueError, match="2 sparse dimensions"):
        RowWiseAdam([table]).step()


class Module(L.LightningModule):
    """Automatic optimisation with a scheduler."""

    def __init__(self, make_optimizer: OptimizerCallable) -> None:
        super().__init__()
        self.shop, self.make_optimizer = Shop(), make_optimizer
        self.rates: list[float] = []

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self.rates.append(self.optimizers().param_groups[0]["lr"])
        return self.shop(batch)

    def configure_optimizers(self):
        optimizer = self.make_optimizer(self.parameters())
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)]


def test_lightning_trains_with_it_from_yaml(tmp_path: Path) -> None:
    parser = ArgumentParser()
    parser.add_argument("--optimizer", type=OptimizerCallable)
    parser.add_argument("--config", action="config")
    (tmp_path / "config.yaml").write_text(
        "optimizer:\n  class_path: trainer.optimizers.RowWiseNAdam\n  init_args: {lr: 0.1, weight_decay: 0.005}\n"
    )
    make_optimizer = parser.instantiate_classes(
        parser.parse_args(["--config", str(tmp_path / "config.yaml")])
    ).optimizer
    module, batches = Module(make_optimizer), [torch.tensor([1, 4]), torch.tensor([4, 6])]
    trainer = L.Trainer(
        accelerator="cpu", max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(module, torch.utils.data.DataLoader(batches, batch_size=None))
    assert module.rates == [0.1, 0.1, 0.05, 0.05]
    plain = Shop()
    optimizer = RowWiseNAdam(plain.parameters(), lr=0.1, weight_decay=0.005)
    for rate in (0.1, 0.05):
        optimizer.param_groups[0]["lr"] = rate
        train(plain, optimizer, [[1, 4], [4, 6]])
    same(module.shop, plain, rtol=0, atol=0)
