"""The command ``prepare.py verify``: whether a domain has the sizes that were published for it."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabulate import tabulate

from data.domain import Domain
from data.features.load import load_features
from data.prepare.manifest import NAME
from data.prepare.shops import Shop

logger = logging.getLogger(__name__)

DIFFERS = 1  # exit code where a size is not the published one
PICTURES = "items with a picture, %"
USUALLY = (
    "Usual causes: another k-core, another raw file (5-core reviews, or all ratings), items without metadata "
    "kept or dropped, pictures demanded of every item or not"
)

Sizes = Mapping[str, int | None]


def verify_domain(
    domain: Path,
    users: int | None = None,
    items: int | None = None,
    interactions: int | None = None,
    pictures: int | None = None,
) -> None:
    """Compare the sizes of a processed domain with published ones; exit code 1 where one differs.

    configs/prepare/ holds the published sizes: python prepare.py --config configs/prepare/scientific.yaml verify.
    The domain may be prepared here or lie there as published; its histories are counted as training reads them.

    Args:
        domain: processed domain folder.
        users: published number of users; null where it is not known, as for the others.
        items: published number of items.
        interactions: published number of interactions.
        pictures: published share of items with a picture, in whole percent.

    Raises:
        ValueError: no size to compare with, or no domain that can be read.
    """
    published = {"users": users, "items": items, "interactions": interactions, PICTURES: pictures}
    if all(size is None for size in published.values()):
        raise ValueError(
            f"{domain}: there is no size to compare it with. Name the shop's published sizes before the command "
            "(prepare.py --config configs/prepare/scientific.yaml verify), or give --users, --items, --interactions."
        )
    counted = count_domain(domain)
    logger.info("%s\n%s", domain, size_table(counted, published))
    if wrong := differing(counted, published):
        logger.info("Not as published: %s. %s.", ", ".join(wrong), USUALLY)
        raise SystemExit(DIFFERS)
    logger.info("As published.")


def count_domain(folder: Path) -> dict[str, int]:
    """What a processed folder of any layout holds, by quantity; the share of pictures in whole percent.

    Raises:
        ValueError: the folder or one of its files is missing or malformed.
    """
    domain = Domain(folder)
    n_items, store = len(domain.items), domain.store()
    return {
        "users": len(store),
        "items": n_items,
        "interactions": len(store.items),
        PICTURES: round(100 * _pictures(domain) / n_items),
    }


def _pictures(domain: Domain) -> int:
    """Items with a picture: by ``item.jsonl`` where it was prepared here, else by the published features."""
    if (domain.path / NAME).is_file():
        return sum(row.get("image") is not None for row in Shop(domain.path).items())
    features = load_features(domain.path, "image", domain.items)
    return 0 if features is None else int(features.present.sum())


def differing(counted: Mapping[str, int], published: Sizes) -> list[str]:
    """The quantities whose published size is known and another."""
    return [name for name, size in published.items() if size is not None and size != counted[name]]


def size_table(counted: Mapping[str, int], published: Sizes) -> str:
    """A line a quantity: what was counted, what was published, and by how much the first is more."""
    rows = [_row(name, counted[name], size) for name, size in published.items()]
    heads = ["quantity", "prepared", "published", "difference"]
    return tabulate(rows, heads, colalign=("left", "right", "right", "right"), disable_numparse=True)


def _row(name: str, counted: int, published: int | None) -> Sequence[str]:
    if published is None:
        return name, f"{counted:,}", "not published", ""
    return name, f"{counted:,}", f"{published:,}", f"{counted - published:+,}" if counted != published else "0"
