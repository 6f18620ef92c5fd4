"""The command ``python prepare.py doctor``."""

import logging
import platform
import sys

from data.doctor.around import hub_facts, java, machine_facts
from data.doctor.pins import REQUIREMENTS, Pin, read_pins, version
from data.doctor.torch_facts import torch_facts

logger = logging.getLogger(__name__)

_PYTHON = (3, 11)  # as pyproject.toml says
_SHOWN = ("torch", "lightning", "transformers", "duckdb", "ibis-framework", "pyarrow")
_OPTIONAL = {"mamba-ssm": "cuda", "causal-conv1d": "cuda", "pyspark": "spark"}
"""Package → the extra that brings it."""


def doctor() -> None:
    """Print versions, threads, memory, disk, GPU, which optional kernels are in use and why not, and what is amiss.

    Ends with exit code 1 where a required package is missing or is not the version that requirements.txt pins.

    Raises:
        ValueError: requirements.txt is not there, or holds something else than pins.
    """
    pins = read_pins()
    torch, broken = torch_facts()
    facts = _versions(pins) | machine_facts() | torch | hub_facts()
    width = max(map(len, facts))
    logger.info("%s", "\n".join(f"{name:<{width}}  {told}" for name, told in facts.items()))
    faults = [fault for pin in pins if (fault := pin.fault)]
    if broken and version("torch"):  # of one that is not there its pin says enough
        faults.append(broken)
    if sys.version_info[:2] < _PYTHON:
        faults.append(f"python is {platform.python_version()}, older than {'.'.join(map(str, _PYTHON))}")
    if faults:
        logger.info("\nnot as required:\n%s\n\nMend it: pip install -r %s", "\n".join(faults), REQUIREMENTS)
        raise SystemExit(1)
    logger.info("\nall %d pins of requirements.txt are met", len(pins))


def _versions(pins: list[Pin]) -> dict[str, str]:
    """Python, the packages that matter most, and the optional ones."""
    found = {pin.name: pin.found or "missing" for pin in pins}
    facts = {"python": platform.python_version()} | {name: found[name] for name in _SHOWN if name in found}
    for name, extra in _OPTIONAL.items():
        facts[name] = version(name) or f"not installed (optional: pip install '.[{extra}]')"
    return facts | {"java": java() or "none that runs (optional: Spark needs 17)"}
