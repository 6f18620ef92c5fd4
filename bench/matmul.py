"""The machine's matmul rate, beside which every other figure stands."""

from statistics import median

import torch

from bench.harness import Work, timed

_BUDGET = 0.5  # seconds that one product may take: bf16 without hardware for it is hundreds of times slower


def product(size: int, dtype: torch.dtype, device: torch.device) -> Work:
    """A cube's matmul into memory that is there already; ``2·size³`` operations."""
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(left)
    return lambda: torch.mm(left, right, out=out)


def matmul_rates(size: int, repeats: int, device: torch.device) -> dict[str, dict[str, float]]:
    """GFLOP/s of a ``size``-cubed product, and the size, for float32 and bfloat16; smaller where it takes too long."""
    return {str(dtype)[6:]: _rate(size, dtype, repeats, device) for dtype in (torch.float32, torch.bfloat16)}


def _rate(most: int, dtype: torch.dtype, repeats: int, device: torch.device) -> dict[str, float]:
    size = min(128, most)
    work = product(size, dtype, device)
    work()
    while size * 2 <= most and timed(work, device) * 8 < _BUDGET:
        size *= 2
        work = product(size, dtype, device)
    work()
    seconds = median(timed(work, device) for _ in range(repeats))
    return {"size": size, "gflops": 2 * size**3 / seconds / 1e9}
