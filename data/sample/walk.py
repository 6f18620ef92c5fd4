"""The users' purchases, step by step for a whole block: bursts, the next style, and buying again.

Legend: ``B`` users of the block, ``L`` longest history, ``K`` kinds, ``S`` styles; times in UNIX seconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.sample.catalogue import DAY, EPOCHS, START, Catalogue
from data.sample.shelf import Shelf
from data.sample.users import Users
from data.sample.words import N_KINDS
from data.sample.world import World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_STAY = 0.75  # a burst goes on: four purchases on average
_FOLLOW = 0.85  # within a burst the last style leads to the next; else the user's taste decides
_SAME_KIND = 0.75  # the item is of the kind that the burst is about
_BURST_GAP = (120.0, 2.0 * DAY)  # two minutes to two days, log-uniform
_REST_DAYS = (20.0, 0.35)  # median and log deviation of the rest between bursts
_LAPSE = 0.15  # what was used up is not bought again
_JITTER = 0.08  # relative deviation of the period
_TRIES = 2  # new draws where the user has the item already
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Purchases:
    """Purchases in columns, by user and then by time.

    Attributes:
        user_N: row of the user within the block.
        item_N: item.
        time_N: UNIX seconds.
        rating_N: 1 … 5.
    """

    user_N: Ints
    item_N: Ints
    time_N: Ints
    rating_N: Ints


class Walk:
    """One block of users on their way through the shop; ``step`` makes each buy once."""

    def __init__(
        self, world: World, catalogue: Catalogue, shelf: Shelf, users: Users, rng: np.random.Generator
    ) -> None:
        self.catalogue, self.shelf, self.users, self.rng = catalogue, shelf, users, rng
        self.next_2SS = world.next_2SS.cumsum(axis=2)
        n = len(users.start_B)
        self.style_B, self.kind_B = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.opened_B = np.ones(n, bool)  # the last item of the style's chain opened a burst
        self.visit_B, self.opens_B = users.start_B.copy(), np.ones(n, bool)  # the next visit
        self.due_BK = np.full((n, N_KINDS), _NEVER)
        self.due_item_BK = np.zeros((n, N_KINDS), np.int64)
        self.had_BL = np.full((n, int(users.length_B.max())), -1)
        self.rows_B = np.arange(n)

    def step(self, number: int) -> tuple[Ints, Ints]:
        """The next purchase of every user: (item_B, time_B)."""
        slot_B = self.due_BK.argmin(axis=1)
        due_B = self.due_BK[self.rows_B, slot_B]
        again_B = due_B < self.visit_B
        time_B = np.where(again_B, due_B, self.visit_B)
        item_B = np.where(again_B, self.due_item_BK[self.rows_B, slot_B], self._visit(~again_B, number))
        self.had_BL[:, number] = item_B
        self._use_up(item_B, time_B)
        return item_B, time_B

    def _visit(self, goes_B: NDArray[np.bool_], number: int) -> Ints:
        """The item of a visit; moves on only the users who go."""
        style_B = self._next_style()
        fresh_kind_B = self.users.favourite_kind(self.rng.random(len(goes_B)))
        kind_B = np.where(self.opens_B, fresh_kind_B, self.kind_B)
        item_B = self._pick(style_B, kind_B, number)
        stays_B = self.rng.random(len(goes_B)) < _STAY
        visit_B = self.visit_B + np.where(stays_B, self._burst_gaps(), self._rests())
        self.style_B = np.where(goes_B, self.catalogue.style_I[item_B], self.style_B)
        self.kind_B = np.where(goes_B, kind_B, self.kind_B)
        self.opened_B = np.where(goes_B, self.opens_B, self.opened_B)
        self.visit_B = np.where(goes_B, visit_B, self.visit_B)
        self.opens_B = np.where(goes_B, ~stays_B, self.opens_B)
        return item_B

    def _next_style(self) -> Ints:
        """By taste where a burst opens, else mostly by what the last style leads to."""
        n = len(self.rows_B)
        row_BS = self.next_2SS[self.opened_B.astype(np.int64), self.style_B]
        led_B = (self.rng.random((n, 1)) >= row_BS[:, :-1]).sum(axis=1)
        by_taste_B = self.opens_B | (self.rng.random(n) >= _FOLLOW)
        return np.where(by_taste_B, self.users.taste(self.rng.random(n)), led_B)

    def _pick(self, style_B: Ints, kind_B: Ints, number: int) -> Ints:
        """An item of the style, rather one that the user does not have."""
        n = len(self.rows_B)
        wanted_B = np.where(self.rng.random(n) < _SAME_KIND, kind_B, -1)
        at_B = np.clip((self.visit_B - START) // self.catalogue.epoch_seconds, 0, EPOCHS - 1)
        item_B = self.shelf.draw(at_B, style_B, wanted_B, self.rng.random(n))
        for _ in range(_TRIES):
            again = np.flatnonzero((self.had_BL[:, :number] == item_B[:, None]).any(axis=1))
            any_kind, uniform = np.full(len(again), -1), self.rng.random(len(again))
            item_B[again] = self.shelf.draw(at_B[again], style_B[again], any_kind, uniform)
        return item_B

    def _use_up(self, item_B: Ints, time_B: Ints) -> None:
        """Note when what was just bought is used up, if its kind is used up at all."""
        n = len(item_B)
        kind_B = self.catalogue.kind_I[item_B]
        period_B = self.catalogue.period_K[kind_B]
        wait_B = (period_B * np.exp(_JITTER * self.rng.standard_normal(n))).astype(np.int64)
        returns_B = (period_B > 0) & (self.rng.random(n) >= _LAPSE)
        self.due_BK[self.rows_B, kind_B] = np.where(returns_B, time_B + wait_B, _NEVER)
        self.due_item_BK[self.rows_B, kind_B] = item_B

    def _burst_gaps(self) -> Ints:
        low, high = np.log(_BURST_GAP)
        return np.exp(self.rng.uniform(low, high, len(self.rows_B))).astype(np.int64)

    def _rests(self) -> Ints:
        median, deviation = _REST_DAYS
        days_B = np.maximum(median * self.rng.lognormal(0.0, deviation, len(self.rows_B)), 7.0)
        return (days_B * DAY).astype(np.int64)


def walk(world: World, catalogue: Catalogue, shelf: Shelf, users: Users, rng: np.random.Generator) -> Purchases:
    """All purchases of a block of users that fall within the catalogue's time span."""
    block = Walk(world, catalogue, shelf, users, rng)
    steps = [block.step(number) for number in range(block.had_BL.shape[1])]
    item_BL, time_BL = (np.stack(columns, axis=1) for columns in zip(*steps, strict=True))
    kept_BL = (np.arange(len(steps)) < users.length_B[:, None]) & (time_BL < catalogue.end)
    user_N, _ = np.nonzero(kept_BL)
    liked_BT1 = users.tastes_BT[user_N]
    liked_N = (liked_BT1 == catalogue.style_I[item_BL[kept_BL]][:, None]).any(axis=1)
    rating_N = np.clip(np.rint(rng.normal(np.where(liked_N, 4.7, 3.9), 0.7)), 1, 5).astype(np.int64)
    return Purchases(user_N, item_BL[kept_BL], time_BL[kept_BL], rating_N)
