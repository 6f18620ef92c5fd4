"""A processed domain of a few items, and an untrained checkpoint of it, for the tests of recommend and convert."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch

from data.domain import Domain
from data.features.table import FeatureTable, write_table
from model import WindowMMM4Rec
from trainer.checkpoint import RECORD

DIMS = {"text": 6, "image": 5}
SIZES: dict[str, Any] = {
    "hidden": 8,
    "inner": 8,
    "state": 4,
    "head_dim": 4,
    "groups": 1,
    "window": 4,
    "temperature": 0.5,
}
ITEMS = [f"B{number:03d}" for number in range(1, 10)]


def content(item: str, modality: str) -> np.ndarray:
    """Features that an item has in whichever preparation it is."""
    seed = int(hashlib.sha256(f"{item}{modality}".encode()).hexdigest()[:8], 16)
    return np.random.default_rng(seed).normal(size=DIMS[modality]).astype(np.float32)


def write_shop(
    folder: Path,
    items: Sequence[str] = ITEMS,
    blank: Sequence[str] = (),
    encoder: str = "tiny",
    users: int = 12,
    events: int = 6,
) -> Path:
    """A processed folder; ``blank`` items have neither text nor picture."""
    write_lines(folder / "item2id.jsonl", [[item, number] for number, item in enumerate(items, 1)])
    write_lines(folder / "user2id.jsonl", [[f"U{user}", user] for user in range(users)])
    write_lines(folder / "item.jsonl", [{"item": item, "title": f"Title of {item}"} for item in items])
    rng = np.random.default_rng(0)
    histories = [
        [user, [[int(rng.integers(len(items))) + 1, 1_500_000_000 + 1000 * at] for at in range(events)]]
        for user in range(users)
    ]
    write_lines(folder / "histories.jsonl", histories)
    present = np.array([item not in blank for item in items])
    for modality in DIMS:
        values = np.stack([content(item, modality) for item in items])
        table = FeatureTable(list(items), values, present, encoder, {"version": 1})
        write_table(folder / f"features/{modality}.safetensors", table)
    return folder


def write_lines(path: Path, rows: Sequence[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def system_on(folder: Path, **arguments: Any) -> WindowMMM4Rec:
    domain = Domain(folder)
    tables = {modality: domain.features(modality) for modality in DIMS}
    system = WindowMMM4Rec(**(SIZES | arguments))
    system.bind(
        len(domain.items),
        {name: torch.from_numpy(table.values) for name, table in tables.items()},
        {name: torch.from_numpy(table.present) for name, table in tables.items()},
    )
    with torch.no_grad():
        for parameter in system.parameters():
            parameter.normal_(std=0.5)
    return system.eval()


def write_checkpoint(path: Path, folder: Path, seed: int = 0, **arguments: Any) -> WindowMMM4Rec:
    """What ``Recommender`` saves, of an untrained system; returns the system."""
    torch.manual_seed(seed)
    system = system_on(folder, **arguments)
    domain = Domain(folder)
    record = {
        "format": 1,
        "system": "WindowMMM4Rec",
        "arguments": {name: list(v) if isinstance(v, tuple) else v for name, v in system.arguments.items()},
        "domain": str(folder.resolve()),
        "items": domain.items,
        "features": {modality: {"encoder": "tiny", "options": {"version": 1}} for modality in DIMS},
        "window": system.window,
    }
    torch.save({"state_dict": {f"system.{n}": v for n, v in system.state_dict().items()}, RECORD: record}, path)
    return system
