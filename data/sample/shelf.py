"""Drawing an item of a wanted style and kind among those that have arrived, for many users at once."""

import numpy as np
from numpy.typing import NDArray

from data.sample.catalogue import EPOCHS, Catalogue
from data.sample.words import N_KINDS, N_STYLES

_NOVELTY_EPOCHS = 8  # as long as an item counts as new
_NOVELTY = 6  # and sells so many times better

Ints = NDArray[np.int64]


class Shelf:
    """Cumulative popularity of the items, sorted by (style, kind), one row an epoch.

    Whole numbers throughout: an item that has not arrived has weight 0 and is never drawn.
    Memory: EPOCHS × items × 8 bytes.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        group_I = catalogue.style_I * N_KINDS + catalogue.kind_I
        self._item_at = np.argsort(group_I, kind="stable")
        self._group_begin = np.searchsorted(group_I[self._item_at], np.arange(N_STYLES * N_KINDS + 1))
        release_I, weight_I = catalogue.release_I[self._item_at], catalogue.weight_I[self._item_at]
        age_EI = np.arange(EPOCHS)[:, None] - release_I
        new_EI = (age_EI < _NOVELTY_EPOCHS) & (release_I > 0)
        weight_EI = weight_I * (age_EI >= 0) * np.where(new_EI, _NOVELTY, 1)
        # every row goes on where the row before ended, so that one search serves all rows
        self._before = np.concatenate([[0], np.cumsum(weight_EI.ravel())])

    def draw(self, epoch_B: Ints, style_B: Ints, kind_B: Ints, uniform_B: NDArray[np.float64]) -> Ints:
        """An item for each user, by popularity.

        Where nothing of that style and kind has arrived, any kind will do, and then any style.

        Args:
            epoch_B: epoch of the purchase.
            style_B: wanted style.
            kind_B: wanted kind; -1 where any will do.
            uniform_B: random numbers in [0, 1).
        """
        row_B = epoch_B * len(self._item_at)
        group_B = style_B * N_KINDS
        low_B, high_B = self._span(row_B, group_B + np.maximum(kind_B, 0), 1)
        wider_B = (kind_B < 0) | (low_B == high_B)
        for first_B, width in ((group_B, N_KINDS), (np.zeros_like(group_B), N_STYLES * N_KINDS)):
            wide_low_B, wide_high_B = self._span(row_B, first_B, width)
            low_B, high_B = np.where(wider_B, wide_low_B, low_B), np.where(wider_B, wide_high_B, high_B)
            wider_B = low_B == high_B
        mark_B = np.minimum(low_B + (uniform_B * (high_B - low_B)).astype(np.int64), high_B - 1)
        place_B = np.searchsorted(self._before, mark_B, side="right") - 1
        item_B: Ints = self._item_at[place_B - row_B]
        return item_B

    def _span(self, row_B: Ints, group_B: Ints, width: int) -> tuple[Ints, Ints]:
        """The stretch of weight that ``width`` groups from ``group_B`` on hold in their row."""
        low_B = self._before[row_B + self._group_begin[group_B]]
        return low_B, self._before[row_B + self._group_begin[group_B + width]]
