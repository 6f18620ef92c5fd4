"""Losses against cross-entropy written plainly, for values and gradients."""

import math
from collections.abc import Mapping

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import SequenceModel
from trainer.losses import FullCatalogue, InBatch, NextItemLoss


class Table(SequenceModel):
    """Item vectors are a parameter, users are given."""

    def __init__(self, items: int = 9, width: int = 4) -> None:
        super().__init__()
        self.items = nn.Parameter(torch.randn(items + 1, width, generator=torch.Generator().manual_seed(0)).double())

    def bind(self, n_items: int, features: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> None:
        raise NotImplementedError

    def user(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        raise NotImplementedError

    def item_vectors(self, ids: Tensor | None = None) -> Tensor:
        return self.items if ids is None else self.items[ids]


NOTHING = torch.zeros(1, 0, dtype=torch.long)  # had before


def draw_users(rows: int) -> Tensor:
    return torch.randn(rows, 4, generator=torch.Generator().manual_seed(1)).double().requires_grad_()


def plain_full(user: Tensor, targets: list[int], items: Tensor) -> Tensor:
    """Over items 1…I, rows whose target is padding left out."""
    losses = []
    for row, target in enumerate(targets):
        if target:
            logits = torch.stack([user[row] @ items[i] for i in range(1, len(items))])
            losses.append(torch.logsumexp(logits, 0) - logits[target - 1])
    return torch.stack(losses).mean()


def plain_in_batch(user: Tensor, targets: list[int], items: Tensor) -> Tensor:
    """Candidates of a row: its own target, and every other row's that is neither the same item nor padding."""
    losses = []
    for row, target in enumerate(targets):
        if target:
            others = [other for k, other in enumerate(targets) if k != row and other not in (target, 0)]
            logits = torch.stack([user[row] @ items[i] for i in [target, *others]])
            losses.append(torch.logsumexp(logits, 0) - logits[0])
    return torch.stack(losses).mean()


CASES = [
    [1, 2, 3],
    [9, 9, 9],
    [4, 4, 7, 1, 4],
    [1, 2, 1, 0, 3, 0],
    [5],
    [2, 0],
]


@pytest.mark.parametrize("targets", CASES, ids=str)
@pytest.mark.parametrize(("loss", "plain"), [(FullCatalogue(), plain_full), (InBatch(), plain_in_batch)])
def test_values_and_gradients(loss: NextItemLoss, plain, targets: list[int]) -> None:
    results = []
    for form in ("ours", "plain"):
        system, user = Table(), draw_users(len(targets))
        value = (
            loss(user, torch.tensor(targets), NOTHING.expand(len(targets), 0), system)
            if form == "ours"
            else plain(user, targets, system.items)
        )
        value.backward()
        results.append((value.detach().double(), user.grad, system.items.grad))
    for ours, expected in zip(*results, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)
    assert not results[0][2][0].any(), "padding gets no gradient"


def test_the_full_catalogue_is_cross_entropy_over_items_from_one() -> None:
    system, user, targets = Table(), draw_users(5), torch.tensor([1, 9, 3, 3, 2])
    expected = F.cross_entropy(user @ system.items[1:].T, targets - 1)
    torch.testing.assert_close(FullCatalogue()(user, targets, NOTHING, system), expected)


def test_one_target_only_teaches_nothing_in_batch() -> None:
    assert InBatch()(draw_users(4), torch.tensor([3, 3, 3, 3]), NOTHING, Table()) == 0


def test_a_uniform_model_has_the_logarithm_of_the_candidates() -> None:
    user, targets = torch.zeros(3, 4).double(), torch.tensor([1, 2, 3])
    assert FullCatalogue()(user, targets, NOTHING, Table()).item() == pytest.approx(math.log(9))
    assert InBatch()(user, targets, NOTHING, Table()).item() == pytest.approx(math.log(3))


def test_half_precision_users_keep_a_float32_loss() -> None:
    system = Table().to(torch.bfloat16)
    assert FullCatalogue()(draw_users(2).bfloat16(), torch.tensor([1, 2]), NOTHING, system).dtype == torch.float32


SEEN = torch.tensor([[2, 9, 0], [9, 3, 3], [0, 0, 0], [1, 2, 3]])


@pytest.mark.parametrize("loss", [FullCatalogue(repeats=False), InBatch(repeats=False)], ids=["full", "in_batch"])
def test_without_repeats_what_was_had_is_no_candidate(loss: NextItemLoss) -> None:
    system, user, targets = Table(), draw_users(4), torch.tensor([1, 2, 9, 3])
    candidates = range(1, 10) if isinstance(loss, FullCatalogue) else targets.tolist()
    losses = []
    for row, target in enumerate(targets.tolist()):
        had = set(SEEN[row].tolist()) - {target}  # a repeated target is still one to find
        logits = torch.stack([user[row] @ system.items[i] for i in candidates if i not in had])
        losses.append(torch.logsumexp(logits, 0) - user[row] @ system.items[target])
    torch.testing.assert_close(loss(user, targets, SEEN, system), torch.stack(losses).mean())
    with_repeats = type(loss)()(user, targets, SEEN, system)
    torch.testing.assert_close(with_repeats, type(loss)()(user, targets, NOTHING.expand(4, 0), system))
