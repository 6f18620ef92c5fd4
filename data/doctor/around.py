"""What stands around PyTorch: the machine, Java, and the models of the Hugging Face Hub."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from data.machine import cores, cpu_model, free_memory, memory


def machine_facts() -> dict[str, str]:
    """System, processor, memory and disk."""
    free = free_memory()
    here = Path.cwd()
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": f"{cpu_model()}, {cores()} cores for this process",
        "memory": _gib(memory()) + (f", {_gib(free)} available" if free is not None else ""),
        "disk": f"{_gib(shutil.disk_usage(here).free)} free in {here}",
    }


def hub_facts() -> dict[str, str]:
    """Where models of the hub are kept, and whether it may be asked."""
    try:
        from huggingface_hub import constants
    except ImportError as error:
        return {"hub": f"huggingface_hub cannot be imported ({error})"}
    place = Path(constants.HF_HUB_CACHE)
    offline = "offline (HF_HUB_OFFLINE is set)" if constants.HF_HUB_OFFLINE else "asked where a model is not there"
    return {"hub cache": f"{place}{'' if place.is_dir() else ', nothing there yet'}", "hub": offline}


def java() -> str | None:
    """The first line of ``java -version``, None where there is none that runs."""
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home) / "bin/java") if home else shutil.which("java")
    if program is None:
        return None
    try:
        told = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = (told.stderr or told.stdout).splitlines()
    return lines[0].strip() if told.returncode == 0 and lines else None


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
