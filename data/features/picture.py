"""Decoding a picture safely: small, RGB, or None where the file is broken, huge or empty."""

import logging
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

log = logging.getLogger(__name__)

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
MAX_PIXELS = 64_000_000  # more is refused before it is decoded: a decompression bomb, or no product picture


def read_picture(path: Path, size: int) -> NDArray[np.uint8] | None:
    """A picture as (size, size, 3) uint8, its aspect not kept; None where it cannot be used.

    Transparent parts lie on white; a picture that is transparent everywhere shows nothing and is None. Of a
    moving picture the first frame is taken.

    Args:
        path: the file.
        size: width and height of the result, in pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on size and metadata: size is checked here
            with Image.open(path, formats=FORMATS) as picture:
                return _decode(picture, size)
    except Exception as error:  # on broken files Pillow's decoders raise OSError, SyntaxError, struct.error, …
        log.info("%s: no usable picture (%s: %s)", path, type(error).__name__, error)
        return None


def _decode(picture: Image.Image, size: int) -> NDArray[np.uint8] | None:
    if picture.width * picture.height > MAX_PIXELS:
        raise ValueError(f"{picture.width} by {picture.height} pixels are more than {MAX_PIXELS}")
    picture.draft("RGB", (2 * size, 2 * size))  # large JPEGs are decoded at a fraction of their size
    upright = ImageOps.exif_transpose(picture)
    flat = _flatten(upright)
    return None if flat is None else np.asarray(flat.resize((size, size), Image.Resampling.BILINEAR))


def _flatten(picture: Image.Image) -> Image.Image | None:
    """Any mode to RGB; None where nothing is opaque at all."""
    if picture.mode.startswith(("I", "F")):
        return _from_deep_grey(picture)
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layered = picture.convert("RGBA")
    if layered.getchannel("A").getextrema() == (0, 0):
        return None
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered).convert("RGB")


def _from_deep_grey(picture: Image.Image) -> Image.Image:
    """16- and 32-bit grey to RGB, darkest to black and brightest to white: Pillow would clip it at 255."""
    grey = np.asarray(picture, np.float64)
    span = np.ptp(grey)
    scaled = (grey - grey.min()) / span if span > 0 else np.full_like(grey, 0.5)
    return Image.fromarray(np.rint(scaled * 255).astype(np.uint8)).convert("RGB")
