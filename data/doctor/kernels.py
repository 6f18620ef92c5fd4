"""Optional CUDA kernels: which the model runs on, and why not. ``tests/data/test_doctor.py`` holds it to the code."""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from data.errors import first_line


@dataclass(frozen=True)
class Kernel:
    """An optional package's kernel.

    Attributes:
        what: the operator.
        module: what the model imports.
        when: for which of the model's tensors it is chosen where it can run.
    """

    what: str
    module: str
    when: str


KERNELS = (
    Kernel("SSD scan", "mamba_ssm.ops.triton.ssd_combined", "histories of more than 64 positions"),
    Kernel("selective scan", "mamba_ssm.ops.selective_scan_interface", "whole histories"),
    Kernel("convolution", "causal_conv1d", "widths 2 to 4 and channels in eights"),
)
"""All that the model imports on CUDA (``model/ops``); every other operator is PyTorch alone."""


def state(kernel: Kernel, gpu: bool) -> str:
    """Whether a kernel is in use, and if not why.

    Args:
        kernel: which.
        gpu: whether PyTorch sees a CUDA GPU.
    """
    package = kernel.module.partition(".")[0]
    if not gpu:
        there = f"{package} is installed" if find_spec(package) else f"nor is {package} installed"
        return f"PyTorch, since there is no CUDA GPU ({there})"
    if find_spec(package) is None:
        return f"PyTorch, since {package} is not installed: pip install '.[cuda]' (needs nvcc)"
    try:
        import_module(kernel.module)
    except Exception as error:  # a build for another PyTorch or CUDA fails with anything
        return f"BROKEN: {kernel.module} is chosen on the GPU but cannot be imported ({first_line(error)}): "\
            f"build it again, or pip uninstall {package}"  # fmt: skip
    return f"{package} on the GPU, for {kernel.when}; PyTorch elsewhere"
