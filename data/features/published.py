"""Published feature files (``text_feat.pth``, ``image_feat.pth``): a bare tensor, row i for item id i + 1."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import bad
from data.features.table import FeatureTable, check_finite, known_rows

REMEDY = "Fetch the file again, or extract features: python prepare.py features"


def load_pth(path: Path) -> Any:
    """What a ``.pth`` file holds, with ``weights_only`` (no code of the file is run), on the CPU.

    Raises:
        ValueError: the file is missing, broken, or holds more than tensors and plain containers.
    """
    import torch  # slow to import, and needed for this format only

    if not path.is_file():
        raise bad(path, "no such file", REMEDY)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # broken bytes raise anything: KeyError, UnpicklingError, RuntimeError, …
        reason = (str(error).splitlines() or [""])[0][:200]
        raise bad(path, f"is not a readable .pth of tensors ({type(error).__name__}: {reason})", REMEDY) from error


def to_matrix(path: Path, value: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A floating 2-D torch tensor as (n, dim) float32; ``ValueError`` for anything else."""
    import torch

    if not isinstance(value, torch.Tensor):
        raise bad(path, f"holds a {type(value).__name__}, not a tensor (items, dim)", REMEDY)
    floating = value.is_floating_point() and value.layout == torch.strided
    if value.ndim != 2 or not floating or value.shape[1] == 0:
        found = f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
        raise bad(path, f"holds a tensor {found}, not floating (items, dim)", REMEDY)
    matrix: np.ndarray[Any, np.dtype[np.float32]] = value.detach().to(torch.float32).numpy()
    return matrix


def read_published(path: Path, expected_items: Sequence[str]) -> FeatureTable:
    """Read a published table (n, dim), float32; rows of zeros only are missing.

    The file names no items: only the count can be checked.

    Args:
        path: ``text_feat.pth`` or ``image_feat.pth``.
        expected_items: the item keys of ``item2id.jsonl``, in id order.

    Raises:
        ValueError: not such a tensor, another number of rows than items, NaN or infinity.
    """
    values = to_matrix(path, load_pth(path))
    if len(values) != len(expected_items):
        raise bad(path, f"has {len(values)} rows, item2id.jsonl has {len(expected_items)} items", REMEDY)
    check_finite(path, expected_items, values, np.ones(len(values), bool), REMEDY)
    present = known_rows(values)
    # the file does not say what made it: published tables of one name are taken to be of one space
    return FeatureTable(list(expected_items), values, present, f"published:{path.name}", {})
