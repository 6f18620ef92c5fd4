"""What bfloat16 costs in accuracy, on a machine that has no bfloat16 products.

``python -m bench.bfloat16 --config configs/finetune/scientific_clip.yaml …``: main.py under ``bf16-mixed``, its
bfloat16 matrix products computed in float32 and rounded once, as hardware that has them does. Without such
hardware torch takes a hundred times as long for them. The results are those of any run; the seconds mean nothing.
"""

import sys
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

import main as finetune
from trainer.cli import run

_PRODUCTS = {torch.ops.aten.mm, torch.ops.aten.addmm, torch.ops.aten.bmm, torch.ops.aten.baddbmm}


class WideProducts(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within, products of bfloat16 matrices accumulate in float32 and round once."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Widen, multiply, round; everything else as it is."""
        kwargs = kwargs or {}
        tensors = [arg for arg in args if torch.is_tensor(arg)]
        narrow = all(tensor.dtype == torch.bfloat16 for tensor in tensors)
        if func.overloadpacket not in _PRODUCTS or not narrow or "out" in kwargs:
            return func(*args, **kwargs)
        wide = [arg.float() if torch.is_tensor(arg) else arg for arg in args]
        return func(*wide, **kwargs).bfloat16()


def main() -> None:
    """main.py in that precision."""
    sys.argv += ["--trainer.precision", "bf16-mixed"]
    with WideProducts():  # type: ignore[no-untyped-call]
        finetune.main()


if __name__ == "__main__":
    run(main)
