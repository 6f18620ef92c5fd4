"""The command ``prepare.py sample``: make the shops that are not there yet."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import bad
from data.files import atomic_dir, one_writer
from data.sample.catalogue import make_catalogue
from data.sample.options import Interactions, ShopOptions
from data.sample.write import (
    interactions_name,
    metadata_name,
    write_interactions,
    write_metadata,
    write_pictures,
)

_RECORD = "sample.json"
_FORMAT = 1


@dataclass(frozen=True)
class MadeShop:
    """One shop of the sample: where it is, how large, and whether it was there before."""

    shop: str
    folder: Path
    users: int
    items: int
    interactions: int
    pictures: int
    reused: bool

    def __str__(self) -> str:
        verb = "reused" if self.reused else "made"
        return (
            f"{verb} {self.folder}: {self.users} users, {self.items} items, "
            f"{self.interactions} interactions, {self.pictures} pictures"
        )


def make_sample(
    out: Path = Path("dataset/sample/raw"),
    seed: int = 2020,
    shops: tuple[str, ...] = ("Tea", "Garden", "Toys"),
    target: str | None = "Stationery",
    users: int = 1500,
    items: int = 300,
    target_users: int = 500,
    target_items: int = 250,
    length: float = 12.0,
    periodic: float = 0.3,
    late: float = 0.2,
    interactions: Interactions = "ratings",
    image_size: int = 32,
    missing_images: float = 0.1,
    missing_text: float = 0.05,
    missing_fields: float = 0.1,
    dirt: float = 0.02,
    overwrite: bool = False,
) -> list[MadeShop]:
    """Make the sample shops: raw files in a known layout, with structure a recommender can learn.

    Items have a kind, which is the shop's, and one of twelve styles, which all shops share; both show
    in the text and in the picture. Users keep to a few styles and kinds, buy in bursts, and within a
    burst one style leads to the next in the same way in every shop. What is used up is bought again.
    The same options give the same bytes. A shop that is there already, made with the same options, is
    left as it is.

    Args:
        out: folder that gets one folder a shop.
        seed: decides everything that is drawn; shops of one seed share how style follows style.
        shops: names of the pretraining shops.
        target: name of the smaller shop to fine-tune on; null for none.
        users: users of each pretraining shop; about 12 interactions each at the usual length.
        items: items of each pretraining shop.
        target_users: users of the target.
        target_items: items of the target.
        length: mean length of a history; histories run from half of it to 1.7 times it.
        periodic: share of the kinds of item that are used up and bought again after 10 to 28 days; 0 for off.
        late: share of the items that arrive only in the last third of the time span.
        interactions: which raw layout, of the metadata too: ratings (<Shop>.csv) or reviews (<Shop>_5.json.gz) of
            Amazon 2018, amazon_2014 (reviews, metadata as Python literals), recbole (<Shop>.inter, <Shop>.item).
        image_size: edge of the pictures in pixels; 0 for no pictures.
        missing_images: share of the items without a picture.
        missing_text: share of the items without any text.
        missing_fields: share of the brands, categories and descriptions that are left out besides.
        dirt: share of the rows that stand there twice, of the items that the metadata does not know or
            lists twice, and, each, of the titles with HTML entities, of bare HTML, and empty; at most 0.3.
        overwrite: replace a sample shop that was made with other options.

    Returns:
        The shops, in the order given, the target last; each prints as one line.

    Raises:
        ValueError: an option out of range, or a folder in the way; nothing is written then.
    """

    def shop_options(shop: str, users: int, items: int) -> ShopOptions:
        return ShopOptions(
            shop=shop,
            seed=seed,
            users=users,
            items=items,
            length=length,
            periodic=periodic,
            late=late,
            interactions=interactions,
            image_size=image_size,
            missing_images=missing_images,
            missing_text=missing_text,
            missing_fields=missing_fields,
            dirt=dirt,
        )

    plan = [shop_options(shop, users, items) for shop in shops]
    if target is not None:
        plan.append(shop_options(target, target_users, target_items))
    _check_names([options.shop for options in plan])
    for options in plan:
        _find(out / options.shop, options, overwrite)
    return [_make_or_reuse(out / options.shop, options, overwrite) for options in plan]


def _check_names(names: Iterable[str]) -> None:
    """Refuse two shops in one folder; some file systems do not tell upper case from lower."""
    names = [name.lower() for name in names]
    if not names:
        raise bad("--shops", "no shop is named", "Name at least one, or a --target")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise bad("--shops", f"named twice: {', '.join(twice)}", "Give every shop a name of its own")


def _make_or_reuse(folder: Path, options: ShopOptions, overwrite: bool) -> MadeShop:
    with one_writer(folder):
        found = _find(folder, options, overwrite)  # again: another command may have made it meanwhile
        return found if found is not None else _make(folder, options)


def _make(folder: Path, options: ShopOptions) -> MadeShop:
    catalogue = make_catalogue(options)
    with atomic_dir(folder) as temporary:
        rows = write_interactions(temporary, options, catalogue)
        write_metadata(temporary, options, catalogue)
        counts = {
            "users": options.users,
            "items": options.items,
            "interactions": rows,
            "pictures": write_pictures(temporary, options, catalogue),
        }
        record = {"format": _FORMAT, "options": options.as_json(), "counts": counts}
        (temporary / _RECORD).write_text(json.dumps(record, indent=1) + "\n")
    return MadeShop(options.shop, folder, **counts, reused=False)


def _find(folder: Path, options: ShopOptions, overwrite: bool) -> MadeShop | None:
    """The shop that is there with the same options; None where the folder may be written.

    Raises:
        ValueError: something else is in the way.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    record = _read_record(folder)
    fault = _fault(folder, options, record)
    if fault is None:
        return MadeShop(options.shop, folder, **record["counts"], reused=True)
    if overwrite:
        return None
    raise bad(folder, fault, "Give another --out, remove the folder, or replace it with --overwrite true")


def _fault(folder: Path, options: ShopOptions, record: dict[str, Any]) -> str | None:
    """Why the sample shop that is there will not do; None where it will."""
    if record.get("format") != _FORMAT:
        return f"holds a sample shop of another version ({record.get('format')!r}, not {_FORMAT})"
    wanted = options.as_json()
    differing = sorted(name for name, value in wanted.items() if record["options"].get(name) != value)
    if differing:
        return f"holds a sample shop made with other options ({', '.join(differing)})"
    names = (interactions_name(options), metadata_name(options))
    lost = [name for name in names if not (folder / name).is_file()]
    return f"has lost {', '.join(lost)}" if lost else None


def _read_record(folder: Path) -> dict[str, Any]:
    """What made the folder; a folder that no sample made is never replaced."""
    path = folder / _RECORD
    remedy = "Give another --out, or move the folder away"
    if not path.is_file():
        raise bad(folder, "is there already and was not made by this command", remedy)
    try:
        record: dict[str, Any] = json.loads(path.read_text())
    except ValueError as error:
        raise bad(path, f"is no JSON ({error})", remedy) from error
    parts = [record.get(name) for name in ("options", "counts")] if isinstance(record, dict) else [None]
    if not all(isinstance(part, dict) for part in parts):
        raise bad(path, "is not the record of a sample shop", remedy)
    return record
