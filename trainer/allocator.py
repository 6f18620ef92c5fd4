"""Memory that a step frees is there for the next one."""

import ctypes
import platform

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of glibc's mallopt(3)


def keep_freed_memory() -> bool:
    """Have glibc keep large blocks that are freed, and tell whether it does; elsewhere nothing changes.

    By default it gives blocks above 32 MiB back to the kernel at once, which maps and zeroes them, page by page,
    for the next tensor of that size: an elementwise step over such tensors then takes three to six times as long.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(mallopt(name, size) for name, size in
               ((_MMAP_THRESHOLD, 1 << 30), (_TRIM_THRESHOLD, (1 << 31) - 1), (_TOP_PAD, 1 << 26)))  # fmt: skip
