"""What all shops of one seed share: random streams, and how one style leads to the next."""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.sample.words import N_STYLES

_FOLLOWERS = (0.70, 0.18, 0.07)  # a style's three usual successors; the rest falls on any style


def stream(seed: int, *parts: str | int) -> np.random.Generator:
    """The random stream of one thing, the same in every process (no use of ``hash``).

    Args:
        seed: the user's seed.
        parts: what the stream is for, e.g. a shop's name, a purpose and a block's number.
    """
    codes = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in parts]
    return np.random.default_rng([seed, *codes])


@dataclass(frozen=True)
class World:
    """The dynamics of style, common to all shops.

    Attributes:
        next_2SS: probability of the next style given the last, rows sum to 1. ``next_2SS[1]`` holds
            after the purchase that opened a burst, ``next_2SS[0]`` after a later one, so who reads
            the gap before a purchase knows more than who reads the order alone.
    """

    next_2SS: NDArray[np.float64]


def make_world(seed: int) -> World:
    """Draw the two matrices: sparse, asymmetric, different from each other, no style favoured."""
    rng = stream(seed, "world")
    return World(np.stack([_ring(rng), _ring(rng)]))


def _ring(rng: np.random.Generator) -> NDArray[np.float64]:
    """Styles on a ring in random order, each followed by those 1, 3 and 4 places on."""
    order_S = rng.permutation(N_STYLES)
    matrix_SS = np.full((N_STYLES, N_STYLES), (1 - sum(_FOLLOWERS)) / N_STYLES)
    for places, share in zip((1, 3, 4), _FOLLOWERS, strict=True):
        matrix_SS[order_S, np.roll(order_S, -places)] += share
    return matrix_SS
