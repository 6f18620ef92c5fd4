"""Who the users of a block are: lasting tastes, how much they buy, when they come."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.sample.catalogue import DAY, DAYS_PER_PURCHASE, START, Catalogue
from data.sample.words import N_KINDS, N_STYLES

_TASTES = 3
_TASTE_SHARES = (0.6, 0.3, 0.1)
_FAVOURITE_KINDS = 2


@dataclass(frozen=True)
class Users:
    """``B`` users in columns.

    Attributes:
        tastes_BT: a user's styles, the dearest first.
        kinds_BF: the kinds a user shops for.
        length_B: how many purchases a user would make, were there no end of time.
        start_B: UNIX seconds of the first visit; the shop grows, so more come later.
    """

    tastes_BT: NDArray[np.int64]
    kinds_BF: NDArray[np.int64]
    length_B: NDArray[np.int64]
    start_B: NDArray[np.int64]

    def taste(self, uniform_B: NDArray[np.float64]) -> NDArray[np.int64]:
        """One of each user's styles, by how dear it is."""
        which_B = np.searchsorted(np.cumsum(_TASTE_SHARES)[:-1], uniform_B, side="right")
        return self.tastes_BT[np.arange(len(which_B)), which_B]

    def favourite_kind(self, uniform_B: NDArray[np.float64]) -> NDArray[np.int64]:
        """One of each user's kinds, all alike."""
        return self.kinds_BF[np.arange(len(uniform_B)), (uniform_B * _FAVOURITE_KINDS).astype(np.int64)]


def draw_users(n: int, length: float, catalogue: Catalogue, rng: np.random.Generator) -> Users:
    """Draw n users; their lengths scatter about ``length``, from half of it to 1.7 times it."""
    scattered_B = length * rng.lognormal(-0.06, 0.35, size=n)
    lifetime = int(1.2 * length * DAYS_PER_PURCHASE * DAY)  # so few histories are cut by the end of time
    return Users(
        tastes_BT=rng.random((n, N_STYLES)).argsort(axis=1)[:, :_TASTES],
        kinds_BF=rng.random((n, N_KINDS)).argsort(axis=1)[:, :_FAVOURITE_KINDS],
        length_B=np.rint(np.clip(scattered_B, 0.5 * length, 1.7 * length)).astype(np.int64),
        start_B=START + ((catalogue.end - START - lifetime) * np.sqrt(rng.random(n))).astype(np.int64),
    )
