"""The order of an epoch: a function of seed and epoch alone, so that a restart goes on where it stopped."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from data.rows import Ints


class EpochOrder(Sampler[Ints]):
    """Batches of sample numbers, shuffled anew each epoch.

    Args:
        samples: how many there are.
        batch_size: B; the last batch may be smaller.
        seed: of the order; None keeps the samples in their order.
    """

    def __init__(self, samples: int, batch_size: int, seed: int | None) -> None:
        self.samples, self.batch_size, self.seed = samples, batch_size, seed
        self.epoch = 0
        self._resumed: tuple[int, int] | None = None

    @property
    def sampler(self) -> "EpochOrder":
        """Where Lightning looks for ``set_epoch``: a loader's batch sampler is to have a sampler."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Called before each epoch (Lightning does)."""
        self.epoch = epoch

    def resume(self, epoch: int, done: int) -> None:
        """Leave out the ``done`` first batches of ``epoch``, which a run before this one trained on."""
        self._resumed = (epoch, done)

    @property
    def done(self) -> int:
        """Batches of this epoch that a run before this one trained on."""
        return self._resumed[1] if self._resumed is not None and self._resumed[0] == self.epoch else 0

    def __len__(self) -> int:
        return -(-self.samples // self.batch_size)

    def __iter__(self) -> Iterator[Ints]:
        order = np.arange(self.samples)
        if self.seed is not None:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(self.samples)
        for batch in range(self.done, len(self)):
            yield order[batch * self.batch_size : (batch + 1) * self.batch_size]
