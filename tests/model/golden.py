"""Golden vectors: what the published implementations gave, under their names."""

import ast
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor

GOLDEN = Path(__file__).parents[2].parent / "shared/golden"


def read_golden(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by name, and the published config."""
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, ast.literal_eval(file.metadata()["config"])  # noqa: SIM118


def weights_of(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights among them."""
    return {name.removeprefix("weights."): t for name, t in tensors.items() if name.startswith("weights.")}
