"""The machine that this runs on. Only the standard library: ``doctor`` asks when packages may be missing."""

import os
import platform
import re
from pathlib import Path


def cpu_model() -> str:
    """The processor's name; its architecture where the system does not tell."""
    names = re.findall(r"model name\s*:\s*(.+)", _read("/proc/cpuinfo"))
    return str(names[0]) if names else platform.processor() or platform.machine()


def cpu_has_bfloat16() -> bool | None:
    """Whether the processor multiplies bfloat16; None where the system does not tell."""
    flags = re.findall(r"^(?:flags|Features)\s*:\s*(.+)", _read("/proc/cpuinfo"), flags=re.MULTILINE)
    return bool({"amx_bf16", "avx512_bf16", "bf16"} & set(flags[0].split())) if flags else None


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """Bytes of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def free_memory() -> int | None:
    """Bytes that can be had without swapping; None where the system does not tell."""
    told = re.search(r"^MemAvailable:\s*(\d+) kB", _read("/proc/meminfo"), flags=re.MULTILINE)
    return int(told[1]) * 1024 if told else None


def _read(name: str) -> str:
    path = Path(name)
    return path.read_text() if path.is_file() else ""
