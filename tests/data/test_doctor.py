"""The doctor: what it says here, and what it finds amiss."""

import logging
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import prepare
from data.doctor import command
from data.doctor.around import hub_facts, java, machine_facts
from data.doctor.kernels import KERNELS, Kernel, state
from data.doctor.pins import Pin, read_pins
from data.doctor.torch_facts import torch_facts
from data.machine import cores, cpu_has_bfloat16, cpu_model, free_memory, memory
from model.ops.ssd import SHORT

ROOT = Path(__file__).parents[2]


def run(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *pins: Pin) -> str:
    monkeypatch.setattr(command, "read_pins", lambda: [*pins])
    caplog.set_level(logging.INFO)
    command.doctor()
    return caplog.text


def test_all_is_well(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    told = run(monkeypatch, caplog, Pin("torch", "2.0.0", "2.0.0+cpu"))
    for name in ("python", "torch", "memory", "disk", "GPU", "bfloat16", "SSD scan", "selective scan", "convolution",
                 "java", "mamba-ssm", "hub cache"):  # fmt: skip
        assert re.search(rf"^{re.escape(name)}  +\S", told, re.MULTILINE) or f" {name} " in told, name
    assert "all 1 pins of requirements.txt are met" in told


@pytest.mark.parametrize(
    ("pin", "fault"),
    [
        (Pin("duckdb", "1.5.6", None), "duckdb 1.5.6 is missing"),
        (Pin("numpy", "2.4.6", "1.26.0"), "numpy is 1.26.0, not 2.4.6"),
        (Pin("numpy", "2.4.6", "2.4.60"), "numpy is 2.4.60, not 2.4.6"),
    ],
)
def test_what_is_amiss_is_told_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, pin: Pin, fault: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, caplog, Pin("torch", "2.13.0", "2.13.0"), pin)
    assert ended.value.code == 1
    assert fault in caplog.text and "torch is" not in caplog.text and "pip install -r" in caplog.text


def test_a_torch_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SystemExit):
        run(monkeypatch, caplog)
    assert "torch cannot be imported" in caplog.text


def test_pins_are_read_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("# exact\nnumpy==1.0 # why\n\nno-such.package[a,b]==2.0.post1\n")
    assert read_pins(path) == [
        Pin("numpy", "1.0", metadata.version("numpy")),
        Pin("no-such.package", "2.0.post1", None),
    ]
    path.write_text("numpy==1.0\nnumpy>=2\n")
    with pytest.raises(ValueError, match=r"requirements\.txt:2: 'numpy>=2' is no exact pin"):
        read_pins(path)
    assert {"torch", "transformers", "duckdb"} <= {pin.name for pin in read_pins()}


def test_an_installed_tributary_tells_its_own_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = ["numpy==1.0", 'pyspark==4.0.5; extra == "spark"']
    monkeypatch.setattr(metadata, "requires", lambda name: told)
    assert [(pin.name, pin.wanted) for pin in read_pins(tmp_path / "none")] == [("numpy", "1.0")]

    def absent(name: str) -> Any:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", absent)
    with pytest.raises(ValueError, match="none: there is no such file"):
        read_pins(tmp_path / "none")


def test_the_kernels_are_those_that_the_model_imports() -> None:
    """Every ``import_module`` of the model is one, and what is said of it is what the code does."""
    sources = [path.read_text() for path in (ROOT / "model").rglob("*.py")]
    imported = {name for source in sources for name in re.findall(r'import_module\("([\w.]+)"\)', source)}
    assert {kernel.module for kernel in KERNELS} == imported
    assert f"more than {SHORT} positions" in KERNELS[0].when
    assert "not in (2, 3, 4)" in (ROOT / "model/ops/causal_conv.py").read_text(), "widths 2 to 4"


def test_why_a_kernel_is_not_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel("scan", "some_kernel.scan", "whole histories")
    assert state(kernel, gpu=False) == "PyTorch, since there is no CUDA GPU (nor is some_kernel installed)"
    assert state(kernel, gpu=True).startswith("PyTorch, since some_kernel is not installed: pip install '.[cuda]'")
    (tmp_path / "some_kernel").mkdir()
    (tmp_path / "some_kernel/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert state(kernel, gpu=False).endswith("(some_kernel is installed)")
    assert state(kernel, gpu=True).startswith("BROKEN: some_kernel.scan is chosen on the GPU but cannot be imported")
    (tmp_path / "some_kernel/scan.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert state(kernel, gpu=True) == "some_kernel on the GPU, for whole histories; PyTorch elsewhere"


def test_a_gpu_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    class Properties:
        name, total_memory, major, minor = "NVIDIA Made Up", 80 << 30, 9, 0

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: Properties)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    facts, broken = torch_facts()
    assert broken is None and facts["GPU"].startswith("NVIDIA Made Up, 80 GiB, compute 9.0; NVIDIA Made Up")
    assert "emulates" in facts["bfloat16"]


def test_facts_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cpu_model() and cores() >= 1 and cpu_has_bfloat16() in (True, False, None)
    free = free_memory()
    assert memory() > 1 << 28 and (free is None or 0 < free <= memory())
    monkeypatch.chdir(tmp_path)
    assert machine_facts()["disk"].endswith(f"free in {tmp_path}")


def test_java_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin/java"
    program.parent.mkdir()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java() is None
    program.write_text("#!/bin/sh\necho 'openjdk version \"17.0.1\"' >&2\n")
    program.chmod(0o755)
    assert java() == 'openjdk version "17.0.1"'
    program.write_text("#!/bin/sh\nexit 1\n")
    assert java() is None


def test_it_runs_where_no_package_is_installed() -> None:
    """``-S`` and ``-E`` leave site-packages out, so ``prepare.py`` itself could not start."""
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-m", "data.doctor"], cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "torch 2" in done.stdout and "is missing" in done.stdout, done.stderr
    assert not done.stderr


def test_it_is_a_command_of_prepare(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(command, "read_pins", lambda: [Pin("torch", "2.0", None)])
    monkeypatch.setattr(sys, "argv", ["prepare.py", "doctor"])
    caplog.set_level(logging.INFO)
    with pytest.raises(SystemExit) as ended:
        prepare.main()
    assert ended.value.code == 1 and "torch 2.0 is missing" in caplog.text


def test_a_hub_that_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "asked" in hub_facts()["hub"] or os.environ.get("HF_HUB_OFFLINE")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "/no/such/cache")
    told = {"hub cache": "/no/such/cache, nothing there yet", "hub": "offline (HF_HUB_OFFLINE is set)"}
    assert hub_facts() == told
