"""Feature tables of several shops to the one of their merged domain."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import orjson

from data.prepare.shops import Shop

if TYPE_CHECKING:
    from data.features.table import FeatureTable

MODALITIES = ("text", "image")
REMEDY = "Extract the features of all shops with one command and the same options (or remove them everywhere)"


def feature_file(shop: Shop, modality: str) -> Path | None:
    """The shop's table of a modality, ours or the published one; ``None`` where there is none."""
    names = (f"features/{modality}.safetensors", f"{modality}_feat.pth")
    return next((shop.folder / name for name in names if (shop.folder / name).is_file()), None)


def merge_features(shops: Sequence[Shop], folder: Path) -> None:
    """Write ``folder/features/<modality>.safetensors`` for every modality that the shops have.

    Raises:
        ValueError: some shops have a modality and others not, or encoder, options or dim differ.
    """
    for modality in MODALITIES:
        files = [feature_file(shop, modality) for shop in shops]
        lacking = [shop.name for shop, file in zip(shops, files, strict=True) if file is None]
        if lacking and len(lacking) < len(shops):
            raise ValueError(f"{modality} features are missing in {', '.join(lacking)}. {REMEDY}.")
        if not lacking:
            _merge(shops, [file for file in files if file is not None], modality, folder)


def _merge(shops: Sequence[Shop], files: Sequence[Path], modality: str, folder: Path) -> None:
    from data.features.table import FeatureTable, write_table

    tables = [_read(shop, file) for shop, file in zip(shops, files, strict=True)]
    _check_alike(shops, tables, modality)
    merged = FeatureTable(
        items=[shop.key(item) for shop, table in zip(shops, tables, strict=True) for item in table.items],
        values=np.concatenate([table.values for table in tables]),
        present=np.concatenate([table.present for table in tables]),
        encoder=tables[0].encoder,
        options=tables[0].options,
    )
    (folder / "features").mkdir(exist_ok=True)
    write_table(folder / "features" / f"{modality}.safetensors", merged)


def _read(shop: Shop, file: Path) -> "FeatureTable":
    from data.features.published import read_published
    from data.features.table import read_table

    items = list(shop.keys("item2id.jsonl", 1))
    return read_published(file, items) if file.suffix == ".pth" else read_table(file, items)


def _check_alike(shops: Sequence[Shop], tables: Sequence["FeatureTable"], modality: str) -> None:
    """Refuse tables of different spaces: vectors of one merged table must be comparable."""
    spaces = [_space(table) for table in tables]
    other = [shop.name for shop, space in zip(shops, spaces, strict=True) if space != spaces[0]]
    if other:
        found = "; ".join(f"{shop.name}: {space}" for shop, space in zip(shops, spaces, strict=True))
        raise ValueError(
            f"{modality} features of {', '.join(other)} differ from those of {shops[0].name} in encoder, "
            f"options or dim ({found}). {REMEDY}."
        )


def _space(table: "FeatureTable") -> str:
    options = orjson.dumps(table.options, option=orjson.OPT_SORT_KEYS).decode()
    return f"{table.encoder} {options} dim {table.values.shape[1]}"
