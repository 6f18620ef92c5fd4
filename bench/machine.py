"""What a result was measured on."""

import platform
from importlib import metadata
from typing import Any

import torch

from data.machine import cores, cpu_model, memory

_PACKAGES = ("torch", "lightning", "numpy", "orjson", "duckdb", "pyarrow")
_GPU_PACKAGES = ("triton", "mamba-ssm", "causal-conv1d")


def machine(device: torch.device) -> dict[str, Any]:
    """Processor, cores that this process may use, memory, and the GPU where one is measured."""
    facts: dict[str, Any] = {
        "cpu": cpu_model(),
        "cores": cores(),
        "memory_gib": round(memory() / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }
    if device.type == "cuda":
        facts["gpu"] = torch.cuda.get_device_name(device)
    return facts


def versions() -> dict[str, str]:
    """Of Python and the packages that decide speed; optional ones where they are installed."""
    found = {"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES}
    for name in _GPU_PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
