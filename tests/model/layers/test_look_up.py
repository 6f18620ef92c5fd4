"""Rows by id, and whose gradients they are."""

import pytest
import torch

from model.layers.look_up import look_up


def test_without_ids_it_is_the_table_itself() -> None:
    rows = torch.randn(4, 3)
    assert look_up(rows, None) is rows and look_up(rows, None, sparse=True) is rows


@pytest.mark.parametrize("ids", [torch.tensor(2), torch.tensor([[3, 0], [3, 3]]), torch.zeros(0, 2, dtype=torch.long)])
@pytest.mark.parametrize("sparse", [False, True])
def test_ids_of_any_shape(ids: torch.Tensor, sparse: bool) -> None:
    rows = torch.randn(4, 3, requires_grad=True)
    found = look_up(rows, ids, sparse)
    assert torch.equal(found, rows[ids])
    found.sum().backward()
    assert rows.grad is not None and rows.grad.is_sparse == sparse
    assert torch.equal(rows.grad.to_dense()[:, 0], torch.bincount(ids.flatten(), minlength=4).float())
