"""Digests of what features are made from: they tell whether stored features are still up to date."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from data.features.encoder import Item
from data.features.load import Modality


def text_digest(items: Iterable[Item]) -> str:
    """Hex sha256 of the texts, in order."""
    digest = hashlib.sha256()
    for item in items:
        text = item.text.encode()
        digest.update(len(text).to_bytes(8, "little") + text)  # the length keeps "ab", "c" from "a", "bc"
    return digest.hexdigest()


def picture_digest(items: Iterable[Item]) -> str:
    """Hex sha256 of the contents of the picture files, in order; a file that is not there counts as none."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(_file_digest(item.image) if item.image else b"-")
    return digest.hexdigest()


def _file_digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b"-"


DIGESTS: Mapping[Modality, Callable[[Iterable[Item]], str]] = {"text": text_digest, "image": picture_digest}
"""What the features of a modality are made from."""
