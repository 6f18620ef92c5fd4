"""How a model is run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Running:
    """How a model is run; see `extract_features`. None is chosen by the machine."""

    devices: list[str] | None = None
    batch: int | None = None
    workers: int | None = None
    shard: int = 4096

    def __post_init__(self) -> None:
        if self.shard < 1 or (self.batch is not None and self.batch < 1) or (self.workers or 0) < 0:
            told = f"shard {self.shard}, batch {self.batch}, workers {self.workers}"
            raise ValueError(f"{told}: write 1 (workers 0) or more.")
