"""What is known of the items: text, picture and features."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from data.domain import Domain
from data.features.load import Modality, load_features
from data.item_text import read_item_text
from data.raw.jsonl import read_jsonl

MODALITIES: tuple[Modality, ...] = get_args(Modality)


@dataclass(frozen=True)
class Features:
    """A modality's table: its encoder and width, and how many items have a row."""

    encoder: str
    dim: int
    present: int


@dataclass(frozen=True)
class Catalogue:
    """How many items have what.

    Attributes:
        text: with a text that is not empty; None where the folder holds no texts.
        picture: with a picture file that is there; None where the folder names no pictures.
        features: by modality; None where there is no table.
    """

    text: int | None
    picture: int | None
    features: dict[Modality, Features | None]


def measure_catalogue(domain: Domain) -> Catalogue:
    """Count over the catalogue of a domain.

    Raises:
        ValueError: texts or features are malformed, or belong to other items.
    """
    text, picture = _known(domain)
    return Catalogue(text, picture, {modality: _features(domain, modality) for modality in MODALITIES})


def _features(domain: Domain, modality: Modality) -> Features | None:
    table = load_features(domain.path, modality, domain.items)
    return None if table is None else Features(table.encoder, table.dim, int(table.present.sum()))


def _known(domain: Domain) -> tuple[int | None, int | None]:
    """Items with a text, and with a picture."""
    ours, published = domain.path / "item.jsonl", domain.path / "item_text.jsonl"
    if ours.is_file():
        return _ours(ours, set(domain.items))
    if published.is_file():
        return len({item for item, text in read_item_text(published) if text.strip()} & set(domain.items)), None
    return None, None


def _ours(path: Path, items: set[str]) -> tuple[int | None, int | None]:
    """Of ``item.jsonl``; None of each that no row names, since a published one has no one form."""
    with_text: set[str] = set()
    with_picture: set[str] = set()
    tells_text = tells_picture = False
    for _, row in read_jsonl(path):
        key = row.get("item") if isinstance(row, dict) else None
        if not isinstance(key, str) or key not in items:
            continue
        tells_text |= isinstance(row.get("text"), str)
        tells_picture |= "image" in row
        if _is_text(row.get("text")):
            with_text.add(key)
        if _is_text(row.get("image")) and (path.parent / row["image"]).is_file():
            with_picture.add(key)
    return len(with_text) if tells_text else None, len(with_picture) if tells_picture else None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
