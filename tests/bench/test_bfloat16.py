"""main.py in bfloat16 on a machine without it: products are rounded once, and the command trains and tests."""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from bench.bfloat16 import WideProducts
from tests.trainer.tiny import write_domain

ROOT = Path(__file__).parents[2]


def test_products_of_bfloat16_are_rounded_once() -> None:
    torch.manual_seed(0)
    a, b, c = torch.randn(5, 300).bfloat16(), torch.randn(300, 7).bfloat16(), torch.randn(5, 7).bfloat16()
    exact = a.double() @ b.double()
    with WideProducts():
        assert torch.equal(a @ b, (a.float() @ b.float()).bfloat16())
        assert torch.equal(torch.addmm(c, a, b), torch.addmm(c.float(), a.float(), b.float()).bfloat16())
        assert torch.equal(a.float() @ b.float(), a.float() @ b.float()), "float32 stays as it is"
    torch.testing.assert_close((a.float() @ b.float()).bfloat16().double(), exact, rtol=2**-8, atol=2**-8)


def test_the_command_trains_and_tests(tmp_path: Path) -> None:
    sizes = {"hidden": 8, "inner": 8, "state": 3, "head_dim": 4, "groups": 2}
    options = [f"--model.system.init_args.{name}={value}" for name, value in sizes.items()]
    options += [f"--data.domain={write_domain(tmp_path / 'Tiny')}", f"--run_dir={tmp_path / 'run'}"]
    command = [sys.executable, "-m", "bench.bfloat16", "--trainer.max_epochs=1", *options]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert 0 <= json.loads((tmp_path / "run/test.json").read_text())["metrics"]["test/hit@10"] <= 1
    assert "bf16-mixed" in (tmp_path / "run/config.yaml").read_text()
