"""Decoding a picture safely: upright RGB, or why it cannot be used."""

import logging
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

log = logging.getLogger(__name__)

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
MAX_PIXELS = 64_000_000  # more is refused before it is decoded: a decompression bomb, or no product picture


class BadPictureError(ValueError):
    """The bytes are no picture that can be used; the text says why."""


def read_picture(path: Path, size: int) -> NDArray[np.uint8] | None:
    """A picture as (size, size, 3) uint8, its aspect not kept; None where it cannot be used.

    Args:
        path: the file.
        size: width and height of the result, in pixels.
    """
    picture = try_picture(path, size)
    return None if picture is None else np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))


def try_picture(path: Path, size: int) -> Image.Image | None:
    """See ``open_picture``; None, and a line in the log, where the picture cannot be used."""
    try:
        return open_picture(path, size)
    except BadPictureError as error:
        log.info("%s: no usable picture (%s)", path, error)
        return None


def open_picture(source: Path | BinaryIO, size: int) -> Image.Image:
    """A decoded RGB picture, upright.

    Transparent parts lie on white. Of a moving picture the first frame is taken.

    Args:
        source: the file, or its bytes.
        size: what it will be resized to, in pixels; a large JPEG is decoded at a fraction of its own size,
            yet at twice this at least.

    Raises:
        BadPictureError: broken, huge, of an unknown format, or transparent everywhere, which shows nothing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on size and metadata: size is checked here
            with Image.open(source, formats=FORMATS) as picture:
                return _decode(picture, size)
    except BadPictureError:
        raise
    except UnidentifiedImageError:
        raise BadPictureError(f"none of {', '.join(FORMATS)}") from None  # Pillow's text has a memory address
    except Image.DecompressionBombError:
        raise BadPictureError(f"more than {MAX_PIXELS} pixels") from None
    except Exception as error:  # on broken files Pillow's decoders raise OSError, SyntaxError, struct.error, …
        raise BadPictureError(f"{type(error).__name__}: {error}") from None


def _decode(picture: Image.Image, size: int) -> Image.Image:
    if picture.width * picture.height > MAX_PIXELS:
        raise BadPictureError(f"more than {MAX_PIXELS} pixels")
    picture.draft("RGB", (2 * size, 2 * size))
    return _flatten(ImageOps.exif_transpose(picture))


def _flatten(picture: Image.Image) -> Image.Image:
    """Any mode to RGB."""
    if picture.mode.startswith(("I", "F")):
        return _from_deep_grey(picture)
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layered = picture.convert("RGBA")
    if layered.getchannel("A").getextrema() == (0, 0):
        raise BadPictureError("transparent everywhere")
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered).convert("RGB")


def _from_deep_grey(picture: Image.Image) -> Image.Image:
    """16- and 32-bit grey to RGB, darkest to black and brightest to white: Pillow would clip it at 255."""
    grey = np.asarray(picture, np.float64)
    span = np.ptp(grey)
    scaled = (grey - grey.min()) / span if span > 0 else np.full_like(grey, 0.5)
    return Image.fromarray(np.rint(scaled * 255).astype(np.uint8)).convert("RGB")
