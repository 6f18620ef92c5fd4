"""Weights from a backbone to a new shop's model, every tensor accounted for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from tabulate import tabulate
from torch import Tensor

from model import SequenceModel


@dataclass(frozen=True)
class Row:
    """What became of one tensor: ``transferred``, ``new (why)`` or ``dropped (why)``."""

    name: str
    shape: tuple[int, ...]
    fate: str


def transfer(
    backbone: Mapping[str, Tensor], system: SequenceModel, new: Sequence[str] = (), drop: Sequence[str] = ()
) -> list[Row]:
    """Load the backbone's tensors into ``system``, which is bound to its catalogue.

    Tensors with one row an item start anew; every other one must be in both, with one shape.

    Args:
        backbone: tensors by the system's names.
        system: takes them; nothing is changed where an error is raised.
        new: patterns of names that may be missing in the backbone.
        drop: patterns of names in the backbone that may be left behind.

    Raises:
        ValueError: a tensor that is not item-bound is missing on one side or differs in shape.
    """
    ours = system.state_dict()
    refused = [
        refusal for name in {**ours, **backbone} if (refusal := _refusal(name, ours, backbone, system, new, drop))
    ]
    if refused:
        raise ValueError(
            "the backbone does not fit the model:\n  " + "\n  ".join(refused) + "\nuse the sizes and features that it "
            "was pretrained with, or name what may start anew (--new) or be left behind (--drop)"
        )
    rows = [_row(name, ours, backbone, system) for name in {**ours, **backbone}]
    kept = {row.name: backbone[row.name] for row in rows if row.fate == "transferred"}
    system.load_state_dict(kept, strict=False)  # the rest is accounted for in the rows
    return rows


def format_rows(rows: Sequence[Row]) -> str:
    """The table of every tensor, then a line of totals."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.fate] = counts.get(row.fate, 0) + 1
    table = tabulate([(row.name, "x".join(map(str, row.shape)), row.fate) for row in rows], ["tensor", "shape", "fate"])
    return f"{table}\n{', '.join(f'{count} {fate}' for fate, count in sorted(counts.items()))}"


def _refusal(
    name: str,
    ours: Mapping[str, Tensor],
    backbone: Mapping[str, Tensor],
    system: SequenceModel,
    new: Sequence[str],
    drop: Sequence[str],
) -> str | None:
    if system.is_item_bound(name):
        return None
    if name not in backbone:
        return None if _matches(name, new) else f"{name}: not in the backbone"
    if name not in ours:
        return None if _matches(name, drop) else f"{name}: in the backbone only"
    if ours[name].shape != backbone[name].shape:
        return f"{name}: {tuple(backbone[name].shape)} in the backbone, {tuple(ours[name].shape)} in the model"
    return None


def _row(name: str, ours: Mapping[str, Tensor], backbone: Mapping[str, Tensor], system: SequenceModel) -> Row:
    kind = "item-bound" if system.is_item_bound(name) else "asked for"
    if name not in ours:
        return Row(name, tuple(backbone[name].shape), f"dropped ({kind})")
    transferred = kind != "item-bound" and name in backbone
    return Row(name, tuple(ours[name].shape), "transferred" if transferred else f"new ({kind})")


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)
