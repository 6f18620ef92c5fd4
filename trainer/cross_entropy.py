"""Softmax cross-entropy over a catalogue whose ``(targets, items)`` logits are never whole in memory.

Shapes: B targets, R rows of a block, d width, I items (row 0 padding), C columns of a tile, S items left out.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class Tile(NamedTuple):
    """How much of the logits is held at once."""

    rows: int
    columns: int


def catalogue_cross_entropy(
    user_Bd: Tensor,
    items_Id: Tensor,
    targets_B: Tensor,
    counts_I: Tensor | None = None,
    left_out_BS: Tensor | None = None,
    tile: Tile | None = None,
) -> Tensor:
    """Mean over the targets that are not padding of ``-log softmax(u·items)[target]``; 0 where all are padding.

    With counts, item i stands ``counts[i]`` times among the candidates, except that a target never competes with
    another copy of itself: ``-log(e^{u·t} / (e^{u·t} + Σ_{i≠t} counts[i] e^{u·i}))``.

    The forward pass takes a tile from logits to gradients before the next: memory for one tile beside the table and
    its gradient, and three matmuls as in the plain form, or four where a row needs several tiles. Under autocast the
    matmuls take its type; logits, softmax and sums are float32. Second derivatives are refused.

    Args:
        user_Bd: user vectors.
        items_Id: item vectors; row 0 is no candidate and gets no gradient.
        targets_B: rows of ``items_Id``; 0 does not count.
        counts_I: how often each row stands among the candidates, from 1; row 0 is not read.
        left_out_BS: rows that are no candidates of a target, such as the user's history; 0 is none, and the target
            itself always stays one.
        tile: chosen by the number of items by default.

    Returns:
        A scalar, float32 or wider; not a number where the vector of a target's user or of an item is not.

    Raises:
        IndexError: a target is no row of ``items_Id`` (on a CPU).
    """
    rows_B = targets_B.nonzero().squeeze(1)
    if len(rows_B) < len(targets_B):
        user_Bd, targets_B = user_Bd[rows_B], targets_B[rows_B]
        left_out_BS = None if left_out_BS is None else left_out_BS[rows_B]
    needs = tuple(torch.is_grad_enabled() and vectors.requires_grad for vectors in (user_Bd, items_Id))
    dtype = _matmul_dtype(user_Bd, items_Id)
    tile = tile or _choose_tile(len(items_Id))
    with torch.autocast(user_Bd.device.type, enabled=False):
        loss: Tensor = _Tiled.apply(  # type: ignore[no-untyped-call]
            user_Bd, items_Id, targets_B, counts_I, left_out_BS, tile, needs, dtype
        )
    return loss


def _choose_tile(items: int) -> Tile:
    """Whole rows while 256 of them are at most 64 MiB of float32; then tiles that stay in a processor's caches."""
    if items <= 1 << 16:
        return Tile(rows=min(1024, max(256, (1 << 21) // items)), columns=items)
    return Tile(rows=1024, columns=2000)


def _matmul_dtype(user_Bd: Tensor, items_Id: Tensor) -> torch.dtype:
    device = user_Bd.device.type
    if torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return torch.promote_types(user_Bd.dtype, items_Id.dtype)


class _Tiled(Function):
    @staticmethod
    def forward(
        ctx: Any,
        user_Bd: Tensor,
        items_Id: Tensor,
        targets_B: Tensor,
        counts_I: Tensor | None,
        left_out_BS: Tensor | None,
        tile: Tile,
        needs: tuple[bool, bool],
        dtype: torch.dtype,
    ) -> Tensor:
        ctx.dtypes = user_Bd.dtype, items_Id.dtype
        exact = torch.promote_types(dtype, torch.float32)
        target_items_Bd = items_Id.index_select(0, targets_B)  # first of all: it refuses a target that is no item
        logits = _Logits(items_Id.to(dtype), counts_I, tile, exact)
        user_grad_Bd = torch.zeros_like(user_Bd, dtype=exact) if needs[0] else None
        items_grad_Id = torch.zeros_like(items_Id, dtype=exact) if needs[1] else None
        total, share = user_Bd.new_zeros((), dtype=exact), 1 / max(1, len(targets_B))
        for start in range(0, len(user_Bd), tile.rows):
            rows = slice(start, start + tile.rows)
            user_Rd, targets_R = user_Bd[rows].to(dtype), targets_B[rows]
            left_out_RS = None if left_out_BS is None else left_out_BS[rows]
            lse_R1, target_R1 = logits.normalise(user_Rd, targets_R, left_out_RS)
            total += (lse_R1 - target_R1).sum() * share
            for columns in reversed(logits.tiles) if any(needs) else ():
                softmax_RC = logits.softmax(user_Rd, targets_R, left_out_RS, lse_R1, columns)
                if user_grad_Bd is not None:
                    _add_matmul(user_grad_Bd[rows], softmax_RC, logits.items_Id[columns], share, dtype)
                if items_grad_Id is not None:
                    _add_matmul(items_grad_Id[columns], softmax_RC.T, user_Rd, share, dtype)
        if user_grad_Bd is not None:
            user_grad_Bd.sub_(target_items_Bd, alpha=share)
        if items_grad_Id is not None:
            items_grad_Id.index_add_(0, targets_B, user_Bd.to(exact), alpha=-share)
        ctx.save_for_backward(user_grad_Bd, items_grad_Id)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        kept = zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        scaled = (None if gradient is None else (gradient * grad).to(dtype) for gradient, dtype in kept)
        return (*scaled, *[None] * 6)


class _Logits:
    """Logits of a block of rows, one tile after another in the same memory."""

    def __init__(self, items_Id: Tensor, counts_I: Tensor | None, tile: Tile, exact: torch.dtype) -> None:
        self.items_Id, self.exact = items_Id, exact
        self.log_counts_I = None if counts_I is None else counts_I.to(exact).log()
        self.tiles = [slice(k, min(k + tile.columns, len(items_Id))) for k in range(1, len(items_Id), tile.columns)]
        self._held = items_Id.new_empty(tile.rows * min(tile.columns, len(items_Id)))

    def normalise(self, user_Rd: Tensor, targets_R: Tensor, left_out_RS: Tensor | None) -> tuple[Tensor, Tensor]:
        """Logarithm of the softmax's denominator, and the target's logit, each ``(R, 1)``; the last tile stays."""
        lse_R1 = torch.full((len(user_Rd), 1), -torch.inf, dtype=self.exact, device=user_Rd.device)
        target_R1 = torch.zeros_like(lse_R1)
        for columns in self.tiles:
            tile_RC, own_R1, inside_R1 = self._compute(user_Rd, targets_R, left_out_RS, columns)
            target_R1 = torch.where(inside_R1, own_R1, target_R1)
            self._highest_R1 = tile_RC.amax(dim=1, keepdim=True).clamp(min=torch.finfo(self.exact).min)
            self._powers_RC = tile_RC.sub_(self._highest_R1).exp_()
            lse_R1 = torch.logaddexp(lse_R1, self._powers_RC.sum(dim=1, keepdim=True).log() + self._highest_R1)
        return lse_R1, target_R1

    def softmax(
        self, user_Rd: Tensor, targets_R: Tensor, left_out_RS: Tensor | None, lse_R1: Tensor, columns: slice
    ) -> Tensor:
        """``(R, C)`` of these columns; call it for the last tile first, which ``normalise`` left half done."""
        if columns == self.tiles[-1]:
            return self._powers_RC.mul_((self._highest_R1 - lse_R1).exp())
        tile_RC, _, _ = self._compute(user_Rd, targets_R, left_out_RS, columns)
        return tile_RC.sub_(lse_R1).exp_()

    def _compute(
        self, user_Rd: Tensor, targets_R: Tensor, left_out_RS: Tensor | None, columns: slice
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The tile, the logits of the rows' targets, and whether these are in it."""
        items_Cd = self.items_Id[columns]
        held_RC = _view(self._held, torch.Size((len(user_Rd), len(items_Cd))))
        tile_RC = torch.mm(user_Rd, items_Cd.T, out=held_RC).to(self.exact)
        place_R1 = (targets_R - columns.start).unsqueeze(1)
        near_R1 = place_R1.clamp(0, len(items_Cd) - 1)
        inside_R1, own_R1 = place_R1 == near_R1, tile_RC.gather(1, near_R1)
        if self.log_counts_I is not None:
            tile_RC.add_(self.log_counts_I[columns])
        if left_out_RS is not None:
            _leave_out(tile_RC, left_out_RS - columns.start)
        if self.log_counts_I is not None or left_out_RS is not None:
            tile_RC.scatter_(1, near_R1, torch.where(inside_R1, own_R1, tile_RC.gather(1, near_R1)))
        return tile_RC, own_R1, inside_R1


def _leave_out(tile_RC: Tensor, places_RS: Tensor) -> None:
    """No candidate at these columns; those outside the tile are another's."""
    rows, at = ((places_RS >= 0) & (places_RS < tile_RC.shape[1])).nonzero(as_tuple=True)
    tile_RC[rows, places_RS[rows, at]] = -torch.inf


def _view(memory: Tensor, shape: torch.Size) -> Tensor:
    return memory[: shape.numel()].view(shape)


def _add_matmul(sum_MN: Tensor, left_MK: Tensor, right_KN: Tensor, share: float, dtype: torch.dtype) -> None:
    """``sum += share · left @ right``, multiplied in ``dtype`` and summed in that of ``sum``."""
    if dtype == sum_MN.dtype:
        sum_MN.addmm_(left_MK, right_KN, alpha=share)
    else:
        sum_MN.add_(left_MK.to(dtype) @ right_KN, alpha=share)
