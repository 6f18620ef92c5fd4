"""Kernels of optional packages: whether they can run here."""

from importlib.util import find_spec

import torch
from torch import Tensor


def obstacle(x: Tensor, package: str) -> str | None:
    """Why that package's kernels cannot run on such a tensor and what to do about it; None where they can."""
    if not x.is_cuda:
        return f"its tensors are on {x.device}, not on CUDA: move them, or leave the form to be chosen"
    if find_spec(package) is None:
        return f"{package} is not installed: pip install tributary[cuda] (needs nvcc), or leave the form to be chosen"
    if x.dtype == torch.float64:
        return "the kernel has no float64: cast to float32, or leave the form to be chosen"
    return None
