"""Where each item's picture is, as the raw metadata tell."""

from collections.abc import Set

from data.raw.items import Items

MOST = 3  # addresses tried for an item, if those before them fail


def read_addresses(metadata: Items, wanted: Set[str]) -> dict[str, tuple[str, ...]]:
    """The addresses of each of ``wanted``, best first; an item without any is left out.

    Args:
        metadata: read in a stream; repeated entries of an item add up.
        wanted: the item keys that are asked for.

    Raises:
        ValueError: missing, empty or cut short file, or a malformed line.
    """
    found: dict[str, tuple[str, ...]] = {}
    for item, addresses in metadata.addresses():
        if item in wanted and addresses:
            found[item] = tuple(dict.fromkeys((*found.get(item, ()), *addresses)))[:MOST]
    return found
