"""What PyTorch says of this machine."""

import os
from typing import Any

from data.doctor.kernels import KERNELS, state
from data.errors import first_line
from data.machine import cpu_has_bfloat16

Facts = dict[str, str]


def torch_facts() -> tuple[Facts, str | None]:
    """Threads, GPUs, bfloat16 and kernels; and, where PyTorch cannot be imported, why."""
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library of it is missing
        return {}, f"torch cannot be imported ({first_line(error)})"
    gpu = torch.cuda.is_available()
    facts = {
        "torch threads": f"{torch.get_num_threads()} (OMP_NUM_THREADS {os.environ.get('OMP_NUM_THREADS', 'not set')})",
        "GPU": _gpus(torch) if gpu else _no_gpu(torch),
        "bfloat16": _bfloat16(torch, gpu),
    }
    return facts | {kernel.what: state(kernel, gpu) for kernel in KERNELS}, None


def _gpus(torch: Any) -> str:
    told = []
    for number in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(number)
        told.append(f"{device.name}, {device.total_memory / 2**30:.0f} GiB, compute {device.major}.{device.minor}")
    return f"{'; '.join(told)} (CUDA {torch.version.cuda})"


def _no_gpu(torch: Any) -> str:
    if torch.version.cuda is None:
        return "none for PyTorch: it is built without CUDA"
    return f"none that PyTorch (built for CUDA {torch.version.cuda}) can use"


def _bfloat16(torch: Any, gpu: bool) -> str:
    if gpu:
        return "yes" if torch.cuda.is_bf16_supported(including_emulation=False) else "the GPU only emulates it: slow"
    words = {True: "yes, in the processor", None: "unknown of this processor"}
    return words.get(cpu_has_bfloat16(), "not in this processor: it works, but slowly; keep float32")
