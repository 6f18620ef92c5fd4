"""Rows of a table by their ids.

Shapes: I items (row 0 padding), d width.
"""

import torch.nn.functional as F
from torch import Tensor


def look_up(rows_Id: Tensor, ids: Tensor | None, sparse: bool = False) -> Tensor:
    """The rows of ``ids``: their shape and d, or all ``(I+1, d)`` where there are none.

    Args:
        rows_Id: the table.
        ids: of any shape; None is all of them.
        sparse: let the gradient be of these rows alone; that of all rows is always dense.
    """
    return rows_Id if ids is None else F.embedding(ids, rows_Id, sparse=sparse)
