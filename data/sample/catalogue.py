"""A shop's items: what each is, when it arrives, how it sells, and what is missing of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.sample.options import ShopOptions
from data.sample.words import N_KINDS, N_STYLES
from data.sample.world import stream

START = 1_451_606_400  # 2016-01-01 00:00 UTC
DAY = 86_400
LATE_FROM = 0.65  # late items arrive after this part of the time span
EPOCHS = 48  # the time span in equal parts; items arrive at the beginning of one
DAYS_PER_PURCHASE = 5.5  # about: bursts of four, three weeks apart
_PERIODS = (10, 14, 20, 28)  # days after which a kind that is used up is bought again
_TAIL = 0.8  # exponent of the popularity's power law


@dataclass(frozen=True)
class Catalogue:
    """The items of one shop, in columns; ``I`` items, ``K`` kinds.

    Attributes:
        style_I: style of each item, 0 … N_STYLES - 1.
        kind_I: kind of each item, 0 … N_KINDS - 1.
        weight_I: popularity, a whole number, long-tailed.
        release_I: epoch of arrival, 0 … EPOCHS - 1.
        period_K: seconds until a kind is bought again; 0 where it lasts.
        epoch_seconds: length of an epoch.
        listed_I: False where the metadata does not know the item.
        has_text_I: False where title, brand, category and description are all empty.
        has_image_I: False where there is no picture.
    """

    style_I: NDArray[np.int64]
    kind_I: NDArray[np.int64]
    weight_I: NDArray[np.int64]
    release_I: NDArray[np.int64]
    period_K: NDArray[np.int64]
    epoch_seconds: int
    listed_I: NDArray[np.bool_]
    has_text_I: NDArray[np.bool_]
    has_image_I: NDArray[np.bool_]

    @property
    def end(self) -> int:
        """UNIX seconds at which the time span is over."""
        return START + EPOCHS * self.epoch_seconds


def make_catalogue(options: ShopOptions) -> Catalogue:
    """Draw a shop's items from its own stream."""
    rng = stream(options.seed, options.shop, "catalogue")
    n = options.items
    return Catalogue(
        style_I=rng.permutation(np.arange(n) % N_STYLES),
        kind_I=rng.permutation(np.arange(n) % N_KINDS),
        weight_I=rng.permutation(np.ceil(1e6 * np.arange(1, n + 1) ** -_TAIL).astype(np.int64)),
        release_I=_releases(n, options.late, rng),
        period_K=_periods(options.periodic, rng),
        epoch_seconds=int(max(365, 5 * options.length * DAYS_PER_PURCHASE) * DAY) // EPOCHS,
        listed_I=~chosen(n, options.dirt, rng),
        has_text_I=~chosen(n, options.missing_text, rng),
        has_image_I=~chosen(n, options.missing_images if options.image_size else 1.0, rng),
    )


def chosen(n: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """True for exactly ``round(share * n)`` of n, drawn at random."""
    return rng.permutation(np.arange(n) < round(share * n))


def _releases(n: int, late: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Late items in the last part; of the rest every second one at once, the others on the way."""
    turn = int(LATE_FROM * EPOCHS) + 1
    on_the_way_I = rng.integers(1, turn, size=n) * (rng.random(n) < 0.5)
    # the end of the late part stays free, so that the newest item can still be bought
    late_I = rng.integers(turn, EPOCHS - (EPOCHS - turn) // 3, size=n)
    is_late_I = chosen(n, min(late, 1 - 1 / n), rng)  # something must be there on the first day
    release_I = np.where(is_late_I, late_I, on_the_way_I)
    release_I[np.flatnonzero(~is_late_I)[0]] = 0
    return release_I


def _periods(periodic: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """A period for the first ``round(periodic * N_KINDS)`` kinds."""
    period_K = rng.choice(_PERIODS, size=N_KINDS).astype(np.int64) * DAY
    period_K[round(periodic * N_KINDS) :] = 0
    return period_K
