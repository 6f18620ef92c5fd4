"""A domain of four items and three users, small enough to count on paper."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.features.table import FeatureTable, write_table
from data.raw.jsonl import write_jsonl

T = 1_500_000_000  # 2017-07-14, 02:40 UTC
ITEMS = ("A", "B", "C", "D")
HISTORIES = (((1, T), (2, T), (1, T + 1), (3, T + 60)), ((2, T + 5), (2, T + 3605)), ((1, T),))

Histories = Sequence[Sequence[Sequence[int]]]


def domain(
    folder: Path,
    histories: Histories = HISTORIES,
    items: Sequence[str] = ITEMS,
    rows: Sequence[Mapping[str, Any]] = (),
    users: Sequence[str] = (),
    split: str = "leave_one_out",
    kind: str = "domain",
) -> Path:
    """A processed folder; ``rows`` are those of ``item.jsonl``, which is left out where there are none."""
    folder.mkdir(parents=True)
    write_jsonl(folder / "item2id.jsonl", [[item, number] for number, item in enumerate(items, 1)])
    keys = users or [f"u{number}" for number in range(len(histories))]
    write_jsonl(folder / "user2id.jsonl", [[key, number] for number, key in enumerate(keys)])
    write_jsonl(folder / "histories.jsonl", list(enumerate(histories)))
    write_jsonl(folder / "manifest.json", [{"split": split, "kind": kind}])
    if rows:
        write_jsonl(folder / "item.jsonl", rows)
    return folder


def add_features(folder: Path, modality: str, present: Sequence[bool], items: Sequence[str] = ITEMS) -> None:
    """A table of three numbers an item."""
    table = FeatureTable(list(items), np.ones((len(items), 3), np.float32), np.array(present), "classic", {})
    write_table(folder / "features" / f"{modality}.safetensors", table)
