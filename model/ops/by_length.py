"""Histories of like length encoded together: right padding is not computed for nothing.

Shapes: B batch, L positions, T wanted positions of all rows.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor


class Limits(NamedTuple):
    """Positions in a group, padding included, and padding alone; smaller groups cost more than they save."""

    positions: int = 10_240
    padding: int = 256


LIMITS = Limits()


def by_length(
    encode: Callable[[Tensor, Tensor, Tensor], Tensor],
    items_BL: Tensor,
    lengths_B: Tensor,
    timestamps_BL: Tensor,
    limits: Limits = LIMITS,
) -> Tensor:
    """``encode(items, lengths, timestamps)`` in groups of like length, the items of each cut to its longest history.

    Gives what one call on the whole batch gives, for an encoder whose rows do not mix and that does not look
    beyond a row's length. Rows keep their order. Timestamps are not cut, since the window form's time path spans
    the window.

    Args:
        encode: of a group.
        items_BL: ids, padded on the right.
        lengths_B: valid positions.
        timestamps_BL: of the items.
        limits: of a group. A GPU is kept busier by one.
    """
    parts, order_B = [], lengths_B.argsort(stable=True)
    for group, longest in _groups(lengths_B, order_B, limits):
        parts.append(encode(items_BL[group, :longest], lengths_B[group], timestamps_BL[group]))
    return torch.cat(parts)[order_B.argsort()]


def each_by_length(
    encode: Callable[[Tensor, Tensor], Tensor],
    items_BL: Tensor,
    lengths_B: Tensor,
    timestamps_BL: Tensor,
    wanted_BL: Tensor,
    limits: Limits = LIMITS,
) -> Tensor:
    """``encode(items, timestamps)``, ``(b, l)`` to ``(b, l, d)``, in such groups: ``(T, d)`` where ``wanted`` is set.

    In the order of ``wanted.nonzero()``: row by row. Timestamps are cut too.
    """
    parts, order_B = [], lengths_B.argsort(stable=True)
    number_BL = wanted_BL.flatten().cumsum(0).view_as(wanted_BL)  # from 1, where wanted
    numbers = []
    for group, longest in _groups(lengths_B, order_B, limits):
        wanted = wanted_BL[group, :longest]
        parts.append(encode(items_BL[group, :longest], timestamps_BL[group, :longest])[wanted])
        numbers.append(number_BL[group, :longest][wanted])
    return torch.cat(parts)[torch.cat(numbers).argsort()]


def _groups(lengths_B: Tensor, order_B: Tensor, limits: Limits) -> Iterator[tuple[Tensor, int]]:
    """Row numbers of each group, in the order of their lengths, and the longest length in it."""
    if order_B.device.type != "cpu":
        yield order_B, max(int(lengths_B.max()), 1)
        return
    start = valid = longest = 0
    for row, length in enumerate(lengths_B[order_B].clamp(min=1).tolist()):
        padded, valid = (row + 1 - start) * length, valid + length
        if row > start and (padded > limits.positions or padded - valid > limits.padding):
            yield order_B[start:row], longest
            start, valid = row, length
        longest = length
    yield order_B[start:], longest
