"""Which of a raw folder's files holds the interactions, which the metadata, and where the pictures are."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from data.errors import bad

PICTURES = (".jpg", ".jpeg", ".png", ".webp")  # looked for in this order
BELONGS = (
    "There belong exactly one interactions file, ratings `*.csv` (lines item,user,rating,timestamp, no "
    "header) or reviews `*.json.gz` (asin, reviewerID, unixReviewTime), and one `meta_*.json.gz` beside it"
)


@dataclass(frozen=True)
class RawFiles:
    """The raw files of one shop."""

    interactions: Path
    """Ratings ``*.csv`` or reviews ``*.json.gz``."""
    metadata: Path
    """``meta_*.json.gz``."""
    images: Path
    """Folder of pictures ``<asin>.jpg``; need not exist."""


def find_raw(folder: Path) -> RawFiles:
    """Find one shop's files.

    Raises:
        ValueError: no such folder, or not exactly one file of interactions and one of metadata.
    """
    if not folder.is_dir():
        raise bad(folder, "there is no such folder", BELONGS)
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    packed = [path for path in files if path.name.endswith(".json.gz")]
    interactions = [path for path in files if path.suffix == ".csv"]
    interactions += [path for path in packed if not path.name.startswith("meta_")]
    metadata = [path for path in packed if path.name.startswith("meta_")]
    return RawFiles(_only(folder, interactions, "interactions"), _only(folder, metadata, "metadata"), folder / "images")


def _only(folder: Path, files: list[Path], what: str) -> Path:
    if not files:
        raise bad(folder, f"there is no file of {what}", BELONGS)
    if len(files) > 1:
        names = ", ".join(path.name for path in files)
        raise bad(folder, f"there are {len(files)} files of {what} ({names})", BELONGS)
    return files[0]


def picture_names(images: Path) -> set[str]:
    """File names of the pictures in a folder; empty where there is no folder."""
    if not images.is_dir():
        return set()
    return {path.name for path in images.iterdir() if path.suffix in PICTURES}


def picture_of(item: str, names: set[str]) -> str | None:
    """The item's picture among ``names``: jpg before jpeg, png and webp."""
    return next((item + suffix for suffix in PICTURES if item + suffix in names), None)


def names_digest(names: set[str]) -> str:
    """Hex digest of a set of file names, to notice pictures that came or went."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
