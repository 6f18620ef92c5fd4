"""The pictures that are there now, into a processed domain, as ``prepare.py domain`` would have written it."""

from pathlib import Path
from typing import Any

import orjson

from data.errors import bad
from data.files import atomic_file, sweep
from data.ids import PREPARE
from data.prepare.manifest import NAME, stored_manifest
from data.prepare.write import ImagePaths
from data.raw.find import names_digest, picture_names
from data.raw.jsonl import read_jsonl, write_jsonl


def read_manifest(domain: Path) -> dict[str, Any]:
    """The manifest of a domain that ``prepare.py domain`` made.

    Raises:
        ValueError: there is none, it is malformed, or the domain is a merged one.
    """
    manifest = stored_manifest(domain)
    if manifest is None:
        raise bad(domain / NAME, "there is no such file", PREPARE)
    match manifest:
        case {"kind": "domain", "options": {"raw": str()}, "inputs": dict()}:
            return dict(manifest)
    raise bad(domain, "it is not made from one raw folder", "Fetch pictures for each shop, then merge")


def link_pictures(domain: Path, images: Path) -> None:
    """Name the pictures of ``images`` in ``item.jsonl``, and note them in the manifest.

    The caller holds `one_writer` of the domain. Killed in between, it is done again by the next run.
    """
    for name in ("item.jsonl", NAME):
        sweep(domain / name)
    names = picture_names(images)
    image = ImagePaths(images, domain, names)
    rows = (row | {"image": image(row["item"])} for _, row in read_jsonl(domain / "item.jsonl"))
    write_jsonl(domain / "item.jsonl", rows)  # renamed only when the old one is read to its end
    manifest = read_manifest(domain)
    if names:
        manifest["inputs"]["images/"] = names_digest(names)
    with atomic_file(domain / NAME) as temporary:
        temporary.write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")
