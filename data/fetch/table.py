"""Which files a domain has and where they are: the table ``amazon_2018.yaml``."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class Source:
    """One file to fetch."""

    url: str
    target: Path


def sources(domains: Sequence[str], out: Path, base: str | None) -> list[Source]:
    """The files of ``domains``, each to go into a folder ``out/<Domain>``.

    Args:
        domains: short names; one given twice counts once.
        out: folder of the domains.
        base: address in place of the table's, for a mirror.

    Raises:
        ValueError: an unknown domain, none at all, or an address that is not http or https.
    """
    table = yaml.safe_load(files("data.fetch").joinpath("amazon_2018.yaml").read_text("utf-8"))
    names: dict[str, str] = table["domains"]
    unknown = [domain for domain in domains if domain not in names]
    if unknown or not domains:
        what = f"no domain is called {', '.join(unknown)}" if unknown else "no domain is named"
        raise ValueError(f"domains: {what}. There are {', '.join(names)}.")
    address = base or table["base"]
    if not address.startswith(SCHEMES):
        raise ValueError(f"base {address!r}: it must begin with http:// or https://.")
    return [
        Source(f"{address.rstrip('/')}/{file}", out / domain / Path(file).name)
        for domain in dict.fromkeys(domains)
        for file in (pattern.format(name=names[domain]) for pattern in table["files"])
    ]
