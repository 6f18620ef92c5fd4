"""Sizes of memory as a user writes them."""

import re

_UNITS = {unit: 1000**power for power, unit in enumerate(("KB", "MB", "GB", "TB"), 1)}
_UNITS |= {unit: 1024**power for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB"), 1)}


def memory_bytes(text: str) -> int:
    """Bytes of ``"4GB"`` or ``"512 MiB"``.

    Raises:
        ValueError: it is not a number and a unit.
    """
    told = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]i?B)", text)
    if told is None:
        raise ValueError(f"memory_limit {text!r}: write a number and a unit, as 4GB.")
    return int(float(told[1]) * _UNITS[told[2]])
