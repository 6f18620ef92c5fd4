"""Pictures as shapes and colours: histograms of oriented gradients, and of colours in four quarters.

HOG: Dalal & Triggs, CVPR 2005. Histograms are compared by the Hellinger kernel: entries are square roots of
shares (Arandjelović & Zisserman, CVPR 2012).
"""

import logging
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from data.features.encoder import Item
from data.features.picture import read_picture
from data.features.table import known_rows

log = logging.getLogger(__name__)

CELLS, ORIENTATIONS, BINS = 4, 8, 8
HOG_DIM = (CELLS - 1) ** 2 * 4 * ORIENTATIONS
COLOUR_DIM = 4 * 3 * BINS


class ClassicImage:
    """HOG + colour of a picture, (384,): 288 of shape and 96 of colour, rows of length 1.

    A picture that is not there or cannot be decoded is missing, never a white one.

    Args:
        size: pictures are resized to ``size`` × ``size`` pixels; at least 16.
    """

    name = "hog-colour"
    dim = HOG_DIM + COLOUR_DIM

    def __init__(self, size: int = 64) -> None:
        if size < 16:
            raise ValueError(f"image_size {size} is too small for shapes. Give at least 16.")
        self.size = size

    @property
    def options(self) -> dict[str, Any]:
        """What identifies the space."""
        layout = {"cells": CELLS, "orientations": ORIENTATIONS, "bins": BINS}
        return {"size": self.size, **layout, "version": 1}

    def fit(self, items: Iterable[Item]) -> Self:
        """Nothing to learn."""
        return self

    def encode(self, items: Iterable[Item]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Rows (n, 384) and which are known (n,); logs how many files could not be used."""
        broken: list[str] = []
        rows = list(self._rows(items, broken))
        if broken:
            log.warning("%d pictures could not be used and count as missing, first '%s'", len(broken), broken[0])
        values = np.stack(rows) if rows else np.zeros((0, self.dim), np.float32)
        return values, known_rows(values)

    def _rows(self, items: Iterable[Item], broken: list[str]) -> Iterator[NDArray[np.float32]]:
        for item in items:
            pixels = read_picture(item.image, self.size) if item.image else None
            if item.image and pixels is None:
                broken.append(item.key)
            yield np.zeros(self.dim, np.float32) if pixels is None else describe(pixels)


def describe(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Features (384,), of length 1, of a square picture (S, S, 3)."""
    row = np.concatenate([_unit(_shape(pixels)), _unit(_colour(pixels))])
    return _unit(row).astype(np.float32)


def _shape(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """HOG (288,) of the grey picture: 4×4 cells in 3×3 overlapping blocks of 2×2."""
    from skimage.feature import hog  # half a second to import

    side = pixels.shape[0] // CELLS
    grey = pixels @ np.array([0.299, 0.587, 0.114]) / 255
    return np.asarray(
        hog(grey, ORIENTATIONS, pixels_per_cell=(side, side), cells_per_block=(2, 2), block_norm="L2-Hys")
    )


def _colour(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Square roots of the shares of 8 bins of each of L, a, b, in each quarter (96,)."""
    from skimage.color import rgb2lab

    lab = np.asarray(rgb2lab(pixels))
    scaled = (lab - (0, -64, -64)) / (100, 128, 128)  # a and b of photographs rarely leave ±64
    bins = np.clip((scaled * BINS).astype(np.int64), 0, BINS - 1)
    half = pixels.shape[0] // 2
    quarters = [bins[y, x] for y in _halves(half) for x in _halves(half)]
    counts = [np.bincount(part[..., c].ravel(), minlength=BINS) for part in quarters for c in range(3)]
    return np.concatenate([np.sqrt(count / count.sum()) for count in counts])


def _halves(half: int) -> tuple[slice, slice]:
    return slice(None, half), slice(half, None)


def _unit(row: NDArray[Any]) -> NDArray[Any]:
    length = np.linalg.norm(row)
    return row / length if length > 0 else row
