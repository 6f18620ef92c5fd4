"""Cross-entropy in blocks against the plain form: values, gradients, types, memory, and what must not be hidden."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import trainer.cross_entropy
from tests.trainer.largest import Largest
from trainer.cross_entropy import Tile, catalogue_cross_entropy


def plain(
    user_Bd: Tensor,
    items_Id: Tensor,
    targets_B: Tensor,
    counts_I: Tensor | None = None,
    left_out_BS: Tensor | None = None,
) -> Tensor:
    """The whole logits, padding masked, a target alone with its own logit."""
    logits_BI = user_Bd @ items_Id[1:].T
    own = F.one_hot(targets_B, len(items_Id))[:, 1:].bool()
    if counts_I is not None:
        logits_BI = logits_BI + counts_I[1:].to(logits_BI.dtype).log().masked_fill(own, 0.0)
    for row, left_out in enumerate([] if left_out_BS is None else left_out_BS.tolist()):
        gone = [item - 1 for item in left_out if item not in (0, int(targets_B[row]))]
        logits_BI = logits_BI.index_put(
            (torch.tensor(row), torch.tensor(gone, dtype=torch.long)), torch.tensor(-torch.inf).double()
        )
    return F.cross_entropy(logits_BI, targets_B - 1, ignore_index=-1)


def draw(rows: int, items: int, width: int = 5, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Users, items and targets, of which about a fifth are padding and the last is not."""
    random = torch.Generator().manual_seed(rows * 1000 + items)
    user, table = (torch.randn(n, width, generator=random).to(dtype).requires_grad_() for n in (rows, items + 1))
    targets = torch.randint(1, items + 1, (rows,), generator=random)
    targets[torch.rand(rows, generator=random) < 0.2] = 0
    targets[-1:] = items
    return user, table, targets


def draw_left_out(targets: Tensor, items: int) -> Tensor:
    """Eight a row, repeats and padding among them; one row leaves out all, and some their own target."""
    left_out = torch.randint(0, items + 1, (len(targets), 8), generator=torch.Generator().manual_seed(items))
    left_out[::3, 0] = targets[::3]
    everything = torch.arange(1, items + 1).expand(len(targets), -1) * (torch.arange(len(targets)) == 0)[:, None]
    return torch.cat([left_out, everything], dim=1)


def draw_counts(items: int) -> Tensor:
    return torch.randint(1, 9, (items + 1,), generator=torch.Generator().manual_seed(items))


@pytest.mark.parametrize("tile", [None, (1, 1), (2, 1000), (1000, 2), (7, 13), (63, 31)])
@pytest.mark.parametrize(("rows", "items"), [(1, 1), (1, 9), (7, 1), (13, 31), (31, 70)])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("repeats", [False, True])
def test_equals_the_plain_form(
    rows: int, items: int, tile: tuple[int, int] | None, counted: bool, repeats: bool
) -> None:
    counts = draw_counts(items) if counted else None
    results = []
    for form in (plain, lambda *arguments: catalogue_cross_entropy(*arguments, tile=tile and Tile(*tile))):
        user, table, targets = draw(rows, items)
        loss = form(user, table, targets, counts, None if repeats else draw_left_out(targets, items))
        (3 * loss).backward()  # a gradient that comes from outside is passed on
        results.append((loss.detach(), user.grad, table.grad))
    for expected, ours in zip(*results, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-10, atol=1e-12)
    assert not results[1][2][0].any(), "padding gets no gradient"


@pytest.mark.parametrize("counted", [False, True])
def test_gradients_are_those_of_the_value(counted: bool) -> None:
    user, table, targets = draw(9, 11, width=3)
    counts = draw_counts(11) if counted else None
    assert torch.autograd.gradcheck(
        lambda u, v: catalogue_cross_entropy(u, v, targets, counts, tile=Tile(4, 5)), (user, table)
    )


@pytest.mark.parametrize("frozen", [(0,), (1,), (0, 1)])
def test_only_what_trains_gets_a_gradient(frozen: tuple[int, ...]) -> None:
    user, table, targets = draw(9, 11)
    expected = torch.autograd.grad(plain(user, table, targets), (user, table))
    vectors = [vector.detach().requires_grad_(k not in frozen) for k, vector in enumerate((user, table))]
    loss = catalogue_cross_entropy(*vectors, targets, tile=Tile(2, 4))
    assert loss.requires_grad == (len(frozen) < 2)
    if loss.requires_grad:
        loss.backward()
    for k, vector in enumerate(vectors):
        assert vector.grad is None if k in frozen else torch.allclose(vector.grad, expected[k])


def test_the_graph_can_be_walked_twice() -> None:
    user, table, targets = draw(9, 11)
    loss = catalogue_cross_entropy(user, table, targets)
    first, second = (torch.autograd.grad(loss, user, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("rows", [0, 4])
def test_padding_alone_has_no_loss_and_teaches_nothing(rows: int) -> None:
    user, table = torch.randn(rows, 3, requires_grad=True), torch.randn(5, 3, requires_grad=True)
    loss = catalogue_cross_entropy(user, table, torch.zeros(rows, dtype=torch.long))
    loss.backward()
    assert loss == 0
    assert not user.grad.any() and not table.grad.any()


def test_what_stands_at_padding_does_not_matter() -> None:
    user, table, targets = draw(13, 31)
    expected = catalogue_cross_entropy(user, table, targets)
    assert (targets == 0).any(), "the case has padding"
    with torch.no_grad():
        user[targets == 0] = torch.nan
        table[0] = torch.nan
    loss = catalogue_cross_entropy(user, table, targets)
    loss.backward()
    assert torch.equal(loss, expected)
    assert user.grad.isfinite().all() and table.grad.isfinite().all()


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("where", ["user", "item"])
def test_divergence_shows(where: str, value: float) -> None:
    user, table, targets = draw(13, 31)
    with torch.no_grad():
        (user if where == "user" else table)[-1, 0] = value
    assert not plain(user, table, targets).isfinite()
    assert not catalogue_cross_entropy(user, table, targets, tile=Tile(5, 7)).isfinite()


def test_logits_of_any_size() -> None:
    user, table = torch.tensor([[1e4], [-1e4]], requires_grad=True), torch.tensor([[0.0], [1.0], [2.0]])
    targets = torch.tensor([1, 2])
    loss = catalogue_cross_entropy(user, table, targets)
    torch.testing.assert_close(loss, plain(user, table, targets))
    assert loss == 10_000


@pytest.mark.parametrize("counted", [False, True])
def test_autocast_multiplies_in_its_type_and_keeps_a_float32_loss(counted: bool) -> None:
    counts = draw_counts(63) if counted else None
    user, table, targets = draw(50, 63, dtype=torch.float32)
    expected = plain(user, table, targets, counts)
    gradients = torch.autograd.grad(expected, (user, table))
    with torch.autocast("cpu", torch.bfloat16):
        loss = catalogue_cross_entropy(user, table, targets, counts, tile=Tile(16, 20))
    loss.backward()
    assert loss.dtype == user.grad.dtype == table.grad.dtype == torch.float32
    torch.testing.assert_close(loss, expected, rtol=2e-2, atol=0)
    assert not torch.equal(loss, catalogue_cross_entropy(user, table, targets, counts)), "it was in bfloat16"
    for ours, exact in zip((user.grad, table.grad), gradients, strict=True):
        assert (ours - exact).norm() < 0.02 * exact.norm()


@pytest.mark.parametrize("target", [-1, 4])
def test_a_target_out_of_the_catalogue_is_refused(target: int) -> None:
    with pytest.raises(IndexError, match="out of range"):
        catalogue_cross_entropy(torch.randn(2, 3), torch.randn(4, 3), torch.tensor([1, target]))


def test_the_logits_are_never_whole() -> None:
    user, table, targets = draw(200, 1000, dtype=torch.float32)
    with Largest() as largest:
        catalogue_cross_entropy(user, table, targets, tile=Tile(100, 80)).backward()
    assert largest.elements == 100 * 80


@pytest.mark.parametrize("items", [2, 4386, 1 << 16, (1 << 16) + 1, 10**6])
def test_a_chosen_tile_is_small(items: int) -> None:
    rows, columns = trainer.cross_entropy._choose_tile(items)
    assert 256 <= rows <= 1024
    assert rows * columns <= 1 << 24


def test_a_catalogue_of_many_tiles() -> None:
    user, table, targets = draw(5, 70_001)
    expected = plain(user, table, targets)
    loss = catalogue_cross_entropy(user, table, targets)
    torch.testing.assert_close(loss, expected)
    for ours, exact in zip(*(torch.autograd.grad(value, (user, table)) for value in (loss, expected)), strict=True):
        torch.testing.assert_close(ours, exact)


@pytest.mark.parametrize(("tile", "matmuls"), [(Tile(200, 63), 3), (Tile(200, 21), 3 * 3 + 2)])
def test_only_tiles_that_are_gone_are_computed_again(tile: Tile, matmuls: int) -> None:
    user, table, targets = draw(200, 63)
    with torch.profiler.profile() as profile:
        catalogue_cross_entropy(user, table, targets, tile=tile).backward()
    assert sum(event.count for event in profile.key_averages() if event.key in ("aten::mm", "aten::addmm_")) == matmuls
