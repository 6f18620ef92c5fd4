import logging
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFile

from data.features.classic import ClassicImage
from data.features.encoder import Item
from data.features.picture import read_picture

POSTERS = Path(__file__).parents[4] / "shared/data/raw/MoviesAction/images"


def drawn(colour: str, shape: str, size=(90, 70)) -> Image.Image:
    picture = Image.new("RGB", size, "white")
    getattr(ImageDraw.Draw(picture), shape)((20, 15, 70, 55), fill=colour)
    return picture


def encode(*paths: Path | None, size: int = 64):
    return ClassicImage(size).encode(Item(str(number), "", path) for number, path in enumerate(paths))


def test_rows_have_length_one_and_like_pictures_are_near(tmp_path):
    paths = []
    for colour, shape in [("red", "ellipse"), ("darkred", "ellipse"), ("blue", "rectangle")]:
        paths.append(tmp_path / f"{colour}.png")
        drawn(colour, shape).save(paths[-1])
    values, present = encode(*paths)
    assert values.shape == (3, ClassicImage.dim) == (3, 384) and values.dtype == np.float32 and present.all()
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, rtol=1e-5)
    assert values[0] @ values[1] > values[0] @ values[2] + 0.05


def test_shape_and_colour_have_parts_of_their_own(tmp_path):
    drawn("red", "ellipse").save(tmp_path / "a.png")
    drawn("red", "ellipse").convert("L").save(tmp_path / "b.png")
    (a, b), _ = encode(tmp_path / "a.png", tmp_path / "b.png")
    np.testing.assert_allclose(a[:288], b[:288], atol=0.02)
    assert np.abs(a[288:] - b[288:]).max() > 0.05


def test_a_picture_that_cannot_be_used_is_missing_and_counted(tmp_path, caplog):
    good = tmp_path / "good.jpg"
    drawn("red", "ellipse").save(good)
    broken = {"empty": b"", "text": b"hello", "cut": good.read_bytes()[:200], "head": good.read_bytes()[:3]}
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        values, present = encode(good, None, tmp_path / "gone.jpg", *(tmp_path / name for name in broken))
    assert present.tolist() == [True] + [False] * 6 and not values[1:].any()
    assert "5 pictures could not be used" in caplog.text  # no picture at all is no fault


@pytest.mark.parametrize(("side", "usable"), [(64, True), (9_000, False), (100_000, False)])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch, side, usable):
    path = tmp_path / "bomb.png"
    Image.new("L", (64, 64)).save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = side.to_bytes(4, "big") * 2  # width and height in the PNG's header, then its checksum
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)
    decoded, load = [], ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: decoded.append(self.size) or load(self))
    assert (read_picture(path, 64) is not None) == usable == bool(decoded)


def test_other_formats_than_the_pictures_of_shops_are_not_opened(tmp_path):
    drawn("red", "ellipse").save(tmp_path / "a.eps")
    assert read_picture(tmp_path / "a.eps", 64) is None


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "I;16", "LA", "RGBA", "PA"])
def test_every_mode_gives_the_same_grey_picture(tmp_path, mode):
    ramp = np.tile(np.repeat([0, 255], 32), (64, 1)).astype(np.uint8)
    grey = Image.fromarray(ramp)
    name = {"CMYK": "a.jpg", "YCbCr": "a.jpg", "PA": "a.webp"}.get(mode, "a.png")
    if mode == "I;16":
        picture = Image.fromarray(ramp.astype(np.uint16) * 257)
    elif mode == "PA":
        picture = grey.convert("RGBA")
    else:
        picture = grey.convert(mode)
    picture.save(tmp_path / name)
    found = read_picture(tmp_path / name, 64)
    assert found is not None and found.shape == (64, 64, 3) and found.dtype == np.uint8
    np.testing.assert_allclose(found[:, :30].astype(int), 0, atol=12)
    np.testing.assert_allclose(found[:, 34:].astype(int), 255, atol=12)


def test_transparent_parts_are_white_and_all_transparent_is_missing(tmp_path):
    layer = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    layer.save(tmp_path / "nothing.png")
    assert read_picture(tmp_path / "nothing.png", 64) is None
    ImageDraw.Draw(layer).rectangle((0, 0, 31, 63), fill="red")
    layer.save(tmp_path / "half.png")
    found = read_picture(tmp_path / "half.png", 64)
    assert found[5, 5].tolist() == [255, 0, 0] and found[5, 60].tolist() == [255, 255, 255]
    palette = layer.convert("P")
    palette.save(tmp_path / "p.gif", transparency=palette.getpixel((60, 5)))
    assert read_picture(tmp_path / "p.gif", 64)[5, 60].tolist() == [255, 255, 255]


def test_a_photograph_held_sideways_is_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = drawn("red", "rectangle", (120, 70))
    wide.save(tmp_path / "a.png")
    wide.rotate(90, expand=True).save(tmp_path / "b.png", exif=exif)
    straight, turned = read_picture(tmp_path / "a.png", 64), read_picture(tmp_path / "b.png", 64)
    np.testing.assert_array_equal(straight, turned)


@pytest.mark.parametrize("size", [16, 19, 23, 64, 97])
def test_the_width_does_not_depend_on_the_size(tmp_path, size):
    drawn("red", "ellipse").save(tmp_path / "a.png")
    Image.new("RGB", (1, 1), "black").save(tmp_path / "b.png")
    values, present = encode(tmp_path / "a.png", tmp_path / "b.png", size=size)
    assert values.shape == (2, 384) and present.all() and np.isfinite(values).all()


def test_a_size_without_room_for_shapes():
    with pytest.raises(ValueError, match="at least 16"):
        ClassicImage(15)


def test_no_items():
    values, present = encode()
    assert values.shape == (0, 384) and present.shape == (0,)


@pytest.mark.skipif(not POSTERS.exists(), reason=f"real data are not at {POSTERS}")
def test_posters():
    paths = sorted(POSTERS.iterdir())[:20]
    values, present = encode(*paths)
    assert present.all() and len(np.unique(values, axis=0)) == 20
    np.testing.assert_array_equal(values, encode(*paths)[0])
