from io import BytesIO

import numpy as np
import pytest
from picture_web import bomb, picture
from PIL import Image

from data.features.picture import BadPictureError
from data.images.shrink import Shrink


def opened(body: bytes) -> Image.Image:
    return Image.open(BytesIO(body))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_the_shorter_side_and_the_same_bytes_again(kind):
    body = picture(60, kind, width=121)
    stored = Shrink(32)(body)
    assert opened(stored).format == "JPEG" and opened(stored).size == (65, 32)
    assert stored == Shrink(32)(body) != Shrink(32, 80)(body)


def test_small_pictures_keep_their_size_and_metadata_go():
    out = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secret"
    exif[0x0112] = 6  # lies on its side
    Image.new("RGB", (20, 10), "red").save(out, "JPEG", exif=exif)
    stored = opened(Shrink(32)(out.getvalue()))
    assert stored.size == (10, 20) and not stored.getexif()


def test_transparent_parts_are_white():
    out = BytesIO()
    layered = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    layered.paste((255, 0, 0, 255), (0, 0, 10, 20))
    layered.save(out, "PNG")
    pixels = np.asarray(opened(Shrink(16, 95)(out.getvalue())), int)
    assert pixels[8, 13].min() > 240 and abs(pixels[8, 2] - (255, 0, 0)).max() < 20


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<!doctype html><html>", "none of JPEG, PNG"),
        (b"", "none of JPEG, PNG"),
        (picture(40)[:-500], "truncated"),
        (picture(40, "JPEG")[:-500], "truncated"),
        (bomb(9_000), "more than 64000000 pixels"),
        (bomb(100_000), "more than 64000000 pixels"),
    ],
)
def test_what_is_no_whole_picture_is_refused(body, why):
    with pytest.raises(BadPictureError, match=why):
        Shrink()(body)


@pytest.mark.parametrize("options", [{"size": 15}, {"quality": 0}, {"quality": 96}])
def test_options(options):
    with pytest.raises(ValueError, match="at least 16"):
        Shrink(**options)
