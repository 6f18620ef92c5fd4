"""One shop's raw files, written as they are drawn; the same options give the same bytes."""

import gzip
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BufferedWriter
from pathlib import Path

import numpy as np

from data.sample.catalogue import Catalogue
from data.sample.layouts import LAYOUTS, Event
from data.sample.options import ShopOptions
from data.sample.pictures import draw_picture
from data.sample.shelf import Shelf
from data.sample.text import item_key, records
from data.sample.users import draw_users
from data.sample.walk import Purchases, walk
from data.sample.world import make_world, stream

_BLOCK_CELLS = 200_000  # users of a block × longest history: what is held at once
Writable = gzip.GzipFile | BufferedWriter


@contextmanager
def open_gzip(path: Path) -> Iterator[gzip.GzipFile]:
    """A gzip file to write, without the name and time that would differ from run to run."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=4, fileobj=raw, mtime=0) as packed:
        yield packed


def interactions_name(options: ShopOptions) -> str:
    """Name of the file of the interactions, as the layout has it."""
    return LAYOUTS[options.interactions].interactions.format(options.shop)


def metadata_name(options: ShopOptions) -> str:
    """Name of the metadata file."""
    return LAYOUTS[options.interactions].metadata.format(options.shop)


def write_interactions(folder: Path, options: ShopOptions, catalogue: Catalogue) -> int:
    """Write the file of the interactions; returns the number of rows, a line above them not counted.

    Rows stand in blocks of users, by user number, and in no order within a block. A share ``dirt`` of
    the rows stands there twice.
    """
    shelf, world = Shelf(catalogue), make_world(options.seed)
    layout = LAYOUTS[options.interactions]
    keys = [item_key(options.shop, item) for item in range(options.items)]
    rows = 0
    with _open(folder / interactions_name(options)) as file:
        file.write(layout.event_head.encode())
        for number, (first, n) in enumerate(_blocks(options)):
            rng = stream(options.seed, options.shop, "users", number)
            users = draw_users(n, options.length, catalogue, rng)
            bought = _disordered(walk(world, catalogue, shelf, users, rng), options.dirt, rng)
            file.write("".join(layout.events(_events(options.shop, keys, first, bought))).encode())
            rows += len(bought.item_N)
    return rows


def _open(path: Path) -> AbstractContextManager[Writable]:
    return open_gzip(path) if path.suffix == ".gz" else path.open("wb")


def _blocks(options: ShopOptions) -> Iterator[tuple[int, int]]:
    """First user and number of users of every block."""
    size = max(64, int(_BLOCK_CELLS / (1.7 * options.length)))
    for first in range(0, options.users, size):
        yield first, min(size, options.users - first)


def _disordered(bought: Purchases, dirt: float, rng: np.random.Generator) -> Purchases:
    """The rows in random order, a share of them twice."""
    n = len(bought.item_N)
    doubled = rng.choice(n, size=round(dirt * n), replace=False)
    order_N = rng.permutation(np.concatenate([np.arange(n), doubled]))
    return Purchases(bought.user_N[order_N], bought.item_N[order_N], bought.time_N[order_N], bought.rating_N[order_N])


def _events(shop: str, keys: list[str], first: int, bought: Purchases) -> Iterator[Event]:
    columns = (bought.user_N, bought.item_N, bought.time_N, bought.rating_N)
    for user, item, time, rating in zip(*(column.tolist() for column in columns), strict=True):
        yield keys[item], f"{shop}-U{first + user:07d}", rating, time


def write_metadata(folder: Path, options: ShopOptions, catalogue: Catalogue) -> None:
    """Write the metadata file, one entry a line, items by number."""
    layout = LAYOUTS[options.interactions]
    with _open(folder / metadata_name(options)) as file:
        file.write(layout.entry_head.encode())
        for line in layout.entries(records(options, catalogue)):
            file.write(line.encode())


def write_pictures(folder: Path, options: ShopOptions, catalogue: Catalogue) -> int:
    """Write ``images/<asin>.png`` of the items that have a picture; returns how many."""
    if options.image_size == 0:
        return 0
    (folder / "images").mkdir()
    rng = stream(options.seed, options.shop, "pictures")
    shown = np.flatnonzero(catalogue.has_image_I).tolist()
    for item in shown:
        style, kind = int(catalogue.style_I[item]), int(catalogue.kind_I[item])
        picture = draw_picture(style, kind, options.image_size, rng)
        picture.save(folder / "images" / f"{item_key(options.shop, item)}.png", compress_level=6)
    return len(shown)
