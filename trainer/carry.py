"""Weights with one row an item, moved from a checkpoint's catalogue to another by raw item id."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from model import SequenceModel


def carry_rows(
    weights: Mapping[str, Tensor], system: SequenceModel, known: Sequence[str], items: Sequence[str]
) -> dict[str, Tensor]:
    """The weights for a catalogue of ``items``.

    An item that both catalogues have keeps its rows, wherever it stands now. The rows of a new one are zero:
    no id information and even fusion logits, so that its content alone ranks it.

    Args:
        weights: by the system's names; item-bound ones have ``len(known) + 1`` rows, row 0 padding.
        system: says which are item-bound.
        known: the checkpoint's items, in id order.
        items: the catalogue's, in id order.

    Raises:
        ValueError: an item-bound tensor has another number of rows than the checkpoint names items.
    """
    old = {item: row for row, item in enumerate(known, 1)}
    pairs = [(0, 0)] + [(row, old[item]) for row, item in enumerate(items, 1) if item in old]
    to, source = torch.tensor(pairs).unbind(dim=1)
    carried = dict(weights)
    for name, value in weights.items():
        if not system.is_item_bound(name):
            continue
        if known and len(value) != len(known) + 1:
            raise ValueError(f"the checkpoint has {len(value)} rows of {name} for {len(known)} items: it is damaged")
        carried[name] = value.new_zeros(len(items) + 1, *value.shape[1:])
        carried[name][to] = value[source]
    return carried
