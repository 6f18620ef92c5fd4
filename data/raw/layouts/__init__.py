"""The layouts of raw files: each tells by a file's beginning whether it is its own, and how it is read."""

from collections.abc import Callable

from data.raw.events import Events
from data.raw.head import Head
from data.raw.items import Items
from data.raw.layouts import amazon_2014, amazon_2018, amazon_2023, recbole

EVENTS: tuple[Callable[[Head], Events | None], ...] = (
    amazon_2014.ratings,
    amazon_2014.reviews,
    amazon_2018.ratings,
    amazon_2018.reviews,
    amazon_2023.reviews,
    recbole.interactions,
)
"""Each gives how interactions are read, or ``None`` where the file is not of its layout."""

ITEMS: tuple[Callable[[Head], Items | None], ...] = (
    amazon_2014.metadata,
    amazon_2018.metadata,
    amazon_2023.metadata,
    recbole.items,
)
"""The same for metadata."""

KNOWN = (
    "Known are Amazon 2014, 2018 and 2023 (reviews, ratings, metadata) and RecBole's .inter and .item; of any other "
    "CSV, Parquet or JSON lines, name the columns with --columns"
)
