"""What a result was measured on."""

import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

_PACKAGES = ("torch", "lightning", "numpy", "orjson", "duckdb", "pyarrow")
_GPU_PACKAGES = ("triton", "mamba-ssm", "causal-conv1d")


def machine(device: torch.device) -> dict[str, Any]:
    """Processor, cores that this process may use, memory, and the GPU where one is measured."""
    facts: dict[str, Any] = {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
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


def cpu_model() -> str:
    """The processor's name; its architecture where the system does not tell."""
    path = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*:\s*(.+)", path.read_text()) if path.is_file() else []
    return str(names[0]) if names else platform.processor() or platform.machine()
