"""Options that every benchmark takes; each adds its own sizes."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

Size = Literal["normal", "smallest"]


def sized(normal: Any, smallest: Any) -> Any:
    """A field whose default goes by ``size``; the normal one is what results are quoted at."""
    return field(default=None, metadata={"normal": normal, "smallest": smallest})


@dataclass
class Options:
    """What every benchmark is told.

    Args:
        size: smallest takes seconds, for tests; normal is what results are quoted at.
        device: cpu or cuda; by default cuda where there is one.
        threads: of torch; by default as torch takes them (OMP_NUM_THREADS, else one a core).
        repeats: timed rounds at least, after a warm-up.
        out: folder of the results (bench/results; smallest saved/bench).

    Attributes:
        where: the device to measure on.
        folder: of the results.
    """

    size: Size = "normal"
    device: Literal["cpu", "cuda"] | None = None
    threads: int | None = None
    repeats: int = 5
    out: Path | None = None
    where: torch.device = field(init=False)
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        for told in dataclasses.fields(self):
            if told.metadata and getattr(self, told.name) is None:
                setattr(self, told.name, told.metadata[self.size])
            if told.init:
                _check(told.name, getattr(self, told.name))
        self.folder = self.out or Path("bench/results" if self.size == "normal" else "saved/bench")
        self.where = torch.device(self.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("--device cuda: there is no CUDA GPU, or this torch is built without CUDA. Leave it out.")


def _check(name: str, value: Any) -> None:
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, int) and not isinstance(number, bool) and number < 1:
            raise ValueError(f"--{name} {number}: it counts from 1.")
    if value == ():
        raise ValueError(f"--{name} []: name at least one.")
