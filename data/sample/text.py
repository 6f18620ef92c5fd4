"""What the metadata says of an item: style and kind in words, with what real metadata gets wrong."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from data.sample.catalogue import Catalogue, chosen
from data.sample.options import ShopOptions
from data.sample.words import FILLERS, STYLE_WORDS, invented_word, kind_words
from data.sample.world import stream

Record = dict[str, Any]

_BRANDS = 15
_FRAGMENT = '<span class="a-size-medium a-color-secondary"'
_ADDRESS = "https://images.example/{}.png"


def item_key(shop: str, item: int) -> str:
    """The asin of an item, such as ``Tea-I000012``; no two shops share one."""
    return f"{shop}-I{item:06d}"


def records(options: ShopOptions, catalogue: Catalogue) -> Iterator[Record]:
    """The lines of the metadata file: every listed item once, and a share of them twice."""
    writer = _Writer(options)
    spoilt_I = writer.rng.permutation(options.items)
    n = round(options.dirt * options.items)
    spoil = {int(item): _SPOILERS[place // n] for place, item in enumerate(spoilt_I[: n * len(_SPOILERS)])}
    repeated_I = chosen(options.items, options.dirt, writer.rng)
    for item in np.flatnonzero(catalogue.listed_I).tolist():
        record = writer.record(item, catalogue)
        if item in spoil and catalogue.has_text_I[item]:
            record["title"] = spoil[item](record["title"])
        yield record
        if repeated_I[item]:
            yield record | {"title": record["title"][:12], "description": []}


def _with_entity(title: str) -> str:
    return f"{title} &amp; Co &#39;Best of&#39;"


def _fragment(title: str) -> str:
    return _FRAGMENT


def _empty(title: str) -> str:
    return ""


_SPOILERS = (_with_entity, _fragment, _empty)


class _Writer:
    """Writes an item's fields in order of the items, from the shop's text stream."""

    def __init__(self, options: ShopOptions) -> None:
        self.options = options
        self.rng = stream(options.seed, options.shop, "text")
        self.kinds = kind_words(options.shop, self.rng)
        self.brands = [invented_word(self.rng).capitalize() for _ in range(_BRANDS)]

    def record(self, item: int, catalogue: Catalogue) -> Record:
        """The metadata of one item, before anything is spoilt."""
        style, kind = STYLE_WORDS[catalogue.style_I[item]], self.kinds[catalogue.kind_I[item]]
        fields = self._fields(style, kind)
        if not catalogue.has_text_I[item]:
            fields = {"title": "", "brand": "", "category": [], "description": []}
        key = item_key(self.options.shop, item)
        # half of the missing pictures have an address all the same, as in the published files
        address = catalogue.has_image_I[item] or item % 2 == 0
        return {"asin": key, **fields, "imageURLHighRes": [_ADDRESS.format(key)] if address else []}

    def _fields(self, style: tuple[str, ...], kind: tuple[str, ...]) -> Record:
        brand, title, category, description = self._sentences(style, kind)
        brand_gap, category_gap, description_gap = (self.rng.random(3) < self.options.missing_fields).tolist()
        return {
            "title": title,
            "brand": "" if brand_gap else brand,
            "category": [] if category_gap else category,
            "description": [] if description_gap else [description],
        }

    def _sentences(self, style: tuple[str, ...], kind: tuple[str, ...]) -> tuple[str, str, list[str], str]:
        s, k, f = self._draw(style, 6), self._draw(kind[1:], 2), self._draw(FILLERS, 4)
        brand = self.brands[int(self.rng.integers(_BRANDS))]
        title = f"{brand} {s[0].capitalize()} {kind[0].capitalize()}, {s[1]} {f[0]}"
        category = [self.options.shop, kind[0].capitalize(), s[2].capitalize()]
        description = f"{f[1].capitalize()} {s[3]} {kind[0]} with {k[0]} and {s[4]}; {f[2]} {k[1]}, {s[5]}, {f[3]}."
        return brand, title, category, description

    def _draw(self, words: tuple[str, ...], n: int) -> list[str]:
        """Up to n different words, in random order."""
        return [words[place] for place in self.rng.permutation(len(words))[:n].tolist()]
