"""The features of a domain, whichever way they are stored."""

from pathlib import Path
from typing import Literal

from data.features.published import read_published
from data.features.table import FeatureTable, read_table

Modality = Literal["text", "image"]


def load_features(domain: Path, modality: Modality, items: list[str]) -> FeatureTable | None:
    """Our own table of a domain, else the published one, else None.

    Args:
        domain: a processed domain folder.
        modality: "text" or "image".
        items: the item keys of ``item2id.jsonl``, in id order.

    Raises:
        ValueError: a file does not belong to these items (see ``read_table``, ``read_published``).
    """
    own = domain / "features" / f"{modality}.safetensors"
    if own.exists():
        return read_table(own, items)
    published = domain / f"{modality}_feat.pth"
    return read_published(published, items) if published.exists() else None
