"""Where a model runs, in which precision, and how much at once."""

import os
from collections.abc import Sequence

import torch

from data.features.load import Modality
from data.features.pretrained.space import Space

CPU_BATCH = 32
MOST_BATCH = 512  # larger batches make no forward pass faster
BUFFERS = 8  # activations of the width of a feed-forward layer that live at once, generously
MOST_WORKERS = 16  # of one device


def devices_of(names: Sequence[str] | None) -> list[torch.device]:
    """Devices by name; by default every CUDA GPU, else the CPU.

    Raises:
        ValueError: a name is unknown, or there is no such GPU.
    """
    count = torch.cuda.device_count()
    if names is None:
        return [torch.device("cuda", number) for number in range(count)] or [torch.device("cpu")]
    known = ["cpu", *(f"cuda:{number}" for number in range(count))]
    lacking = [name for name in names if name not in known]
    if lacking or not names:
        raise ValueError(f"devices: there is no {lacking[0] if lacking else 'name'}. There are {', '.join(known)}.")
    return [torch.device(name) for name in names]


def precision(device: torch.device) -> torch.dtype:
    """What a model runs in on a device."""
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def batch_for(space: Space, modality: Modality, device: torch.device) -> int:
    """Items of a batch that keep a device busy and fit half of its free memory: a power of two."""
    if device.type != "cuda":
        return CPU_BATCH
    free, _ = torch.cuda.mem_get_info(device)
    tokens, width = space.largest(modality)
    fits = free // 2 // (tokens * width * BUFFERS * precision(device).itemsize)
    return max(1, min(MOST_BATCH, 1 << max(fits.bit_length() - 1, 0)))


def workers_for(devices: Sequence[torch.device]) -> int:
    """Processes that prepare for each device: the cores are theirs where GPUs do the rest; else one goes ahead."""
    if devices[0].type == "cpu":
        return 1
    return max(1, min(MOST_WORKERS, (os.cpu_count() or 1) // len(devices)))
