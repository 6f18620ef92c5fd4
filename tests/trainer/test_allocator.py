"""Freed memory is kept: the process holds on to what a large tensor took."""

import platform
import subprocess
import sys

import pytest

HELD = """
import sys, torch
from pathlib import Path
from trainer.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
before = resident()
torch.ones(50_000_000)
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc's")
def test_large_blocks_stay_with_the_process() -> None:
    held = {}
    for mode in ("keep", "default"):
        done = subprocess.run([sys.executable, "-c", HELD, mode], capture_output=True, text=True, check=True)
        held[mode] = int(done.stdout)
    assert held["keep"] > 190e6 > 20e6 > held["default"], held
