"""Peak memory of a piece of work: of the process on a CPU, of the tensors on a GPU."""

import ctypes
import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

_MIB = 1 << 20
_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Peak:
    """Memory in MiB: the highest while the work ran, and how much of that came on top of what was held before."""

    total: float
    added: float


def peak_memory(work: Callable[[], object], device: torch.device) -> Peak | None:
    """Run the work once and tell its peak; None on a system that does not tell (no Linux ``/proc``).

    On a CPU it is resident memory, reset through ``/proc/self/clear_refs``; what malloc keeps of earlier work is
    given back first. On a GPU it is what tensors took, without the allocator's reserve.
    """
    if device.type == "cuda":
        return _peak_cuda(work, device)
    if not _RESET.exists():
        work()
        return None
    gc.collect()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
    _RESET.write_text("5")
    before = _status("VmRSS")
    work()
    peak = _status("VmHWM")
    return Peak(peak, max(peak - before, 0.0))


def _peak_cuda(work: Callable[[], object], device: torch.device) -> Peak:
    gc.collect()
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    work()
    torch.cuda.synchronize(device)
    peak = torch.cuda.max_memory_allocated(device)
    return Peak(peak / _MIB, (peak - before) / _MIB)


def _status(name: str) -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024  # kB, as the kernel calls KiB
