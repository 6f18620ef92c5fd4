"""Optimizers whose step costs in proportion to the rows that a batch touched.

Shapes: I rows of a table, R rows that have a gradient.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


class RowWise(Optimizer):
    """Mixed in before an elementwise optimizer: a parameter with a sparse gradient is stepped in its rows alone.

    Such a gradient comes from ``F.embedding(ids, table, sparse=True)``. Its rows, their gradients and their state are
    gathered, stepped by the optimizer's own formula, and put back; every other row, its state and its weight decay
    rest, as in ``torch.optim.SparseAdam``. The number of steps is the parameter's, not the row's. Parameters with
    dense gradients are stepped as ever, and the state dict is the optimizer's own.

    Raises:
        ValueError: at a step, a sparse gradient of single elements instead of rows.
    """

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; ``closure`` computes the loss and the gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad(), self._rows_for_tables():
            super().step()
        return loss

    @contextmanager
    def _rows_for_tables(self) -> Iterator[None]:
        """In place of each table with a sparse gradient, its rows that have one."""
        whole = [list(group["params"]) for group in self.param_groups]
        touched = [
            _Rows(table) for tables in whole for table in tables if table.grad is not None and table.grad.is_sparse
        ]
        by_table = {rows.table: rows for rows in touched}
        for group in self.param_groups:
            group["params"] = [by_table[p].parameter if p in by_table else p for p in group["params"]]
        for rows in touched:
            rows.take(self.state)
        try:
            yield
            for rows in touched:
                rows.put_back(self.state)
        finally:
            for group, tables in zip(self.param_groups, whole, strict=True):
                group["params"] = tables
            for rows in touched:
                self.state.pop(rows.parameter, None)


class _Rows:
    """The rows of a table that have a gradient, as a parameter of their own."""

    def __init__(self, table: nn.Parameter) -> None:
        assert table.grad is not None
        gradient = table.grad.coalesce()
        if gradient.sparse_dim() != 1:
            raise ValueError(f"a gradient of {gradient.sparse_dim()} sparse dimensions: it has to be one, of rows")
        self.table, self.ids_R = table, gradient.indices()[0]
        self.parameter = nn.Parameter(table.detach()[self.ids_R])
        self.parameter.grad = gradient.values()

    def take(self, state: dict[Tensor, Any]) -> None:
        """Give the rows their part of the table's state."""
        if self.table in state:
            state[self.parameter] = {
                name: value[self.ids_R] if self._a_row_each(value) else value
                for name, value in state[self.table].items()
            }

    def put_back(self, state: dict[Tensor, Any]) -> None:
        """Write the rows and their state into the table's."""
        self.table.index_copy_(0, self.ids_R, self.parameter.detach())
        kept = state.setdefault(self.table, {})
        for name, value in state[self.parameter].items():
            if torch.is_tensor(value) and value.shape == self.parameter.shape:
                if name not in kept:
                    kept[name] = torch.zeros_like(self.table, dtype=value.dtype)
                kept[name].index_copy_(0, self.ids_R, value)
            else:
                kept[name] = value

    def _a_row_each(self, value: Any) -> bool:
        return torch.is_tensor(value) and value.shape == self.table.shape


class RowWiseNAdam(RowWise, torch.optim.NAdam):
    """``torch.optim.NAdam`` with row-wise steps of tables that have sparse gradients."""


class RowWiseAdam(RowWise, torch.optim.Adam):
    """``torch.optim.Adam`` with row-wise steps of tables that have sparse gradients."""


class RowWiseAdamW(RowWise, torch.optim.AdamW):
    """``torch.optim.AdamW`` with row-wise steps of tables that have sparse gradients."""
