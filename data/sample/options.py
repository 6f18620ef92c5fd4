"""What decides a sample shop's bytes, and what a user may ask for."""

import dataclasses
import re
from dataclasses import dataclass
from typing import Literal, get_args

from data.errors import bad

Interactions = Literal["ratings", "reviews", "amazon_2014", "recbole"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_AT_LEAST = {"seed": 0, "users": 1, "items": 2, "length": 2}
_SHARES = ("periodic", "late", "missing_images", "missing_text", "missing_fields", "dirt")


@dataclass(frozen=True)
class ShopOptions:
    """The options of one shop; ``data.sample.make_sample`` explains each."""

    shop: str
    seed: int
    users: int
    items: int
    length: float
    periodic: float
    late: float
    interactions: Interactions
    image_size: int
    missing_images: float
    missing_text: float
    missing_fields: float
    dirt: float

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.shop):
            raise bad("--shops", f"{self.shop!r} is no shop name", "Use letters, digits and _")
        for name, least in _AT_LEAST.items():
            if not getattr(self, name) >= least:
                raise self._refused(name, f"{least} or more")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise self._refused(name, "a share from 0 to 1")
        self._check_choices()

    def _check_choices(self) -> None:
        if self.length > 1000:
            raise self._refused("length", "1000 or less")
        if self.image_size != 0 and not 16 <= self.image_size <= 512:
            raise self._refused("image_size", "0 for no pictures, or from 16 to 512 pixels")
        if self.interactions not in get_args(Interactions):
            raise self._refused("interactions", " or ".join(get_args(Interactions)))
        if self.dirt > 0.3:
            raise self._refused("dirt", "0.3 or less")

    def _refused(self, name: str, wanted: str) -> ValueError:
        what = f"{name} = {getattr(self, name)!r} is out of range"
        return bad(f"sample shop {self.shop}", what, f"Give {wanted}")

    def as_json(self) -> dict[str, str | int | float]:
        """The options as they are recorded in ``sample.json``."""
        return dataclasses.asdict(self)
