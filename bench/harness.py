"""Timing: a warm-up, then rounds in which every compared variant has its turn, so that a slow hour hits all."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch

from bench.memory import Peak, peak_memory

Work = Callable[[], object]

_ENOUGH_SECONDS, _MOST_ROUNDS = 0.2, 50  # work of microseconds has more rounds than were asked for


@dataclass(frozen=True)
class Measured:
    """Seconds of each round, and peak memory of the warm-up."""

    seconds: tuple[float, ...]
    peak: Peak | None

    @property
    def median(self) -> float:
        """Seconds."""
        return median(self.seconds)

    def row(self) -> dict[str, Any]:
        """The columns that every benchmark's rows have."""
        return {
            "seconds": self.median,
            "min": min(self.seconds),
            "max": max(self.seconds),
            "rounds": len(self.seconds),
            "peak_mib": self.peak and self.peak.total,
            "added_mib": self.peak and self.peak.added,
        }


def compare(variants: Mapping[str, Work], repeats: int, device: torch.device) -> dict[str, Measured]:
    """Warm each variant up twice (the second time for its peak memory), then time them in turns.

    Args:
        variants: what to run, by name.
        repeats: rounds; more where all of them together take less than 0.2 s.
        device: whose work is waited for.
    """
    for work in variants.values():
        work()
    peaks = {name: peak_memory(work, device) for name, work in variants.items()}
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    spent, rounds = 0.0, 0
    while rounds < repeats or (spent < _ENOUGH_SECONDS and rounds < _MOST_ROUNDS):
        for name, work in variants.items():
            seconds[name].append(timed(work, device))
            spent += seconds[name][-1]
        rounds += 1
    return {name: Measured(tuple(seconds[name]), peaks[name]) for name in variants}


def once(work: Work, device: torch.device) -> Measured:
    """Time and peak memory of one run, without a warm-up: for work that a user does once."""
    seconds: list[float] = []
    peak = peak_memory(lambda: seconds.append(timed(work, device)), device)
    return Measured(tuple(seconds), peak)


def timed(work: Work, device: torch.device) -> float:
    """Seconds of one run, the device's queue emptied before and after."""
    _wait(device)
    start = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
