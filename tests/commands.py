"""What a document tells people to type, run as it stands in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def bash_blocks(document: Path) -> list[str]:
    """The text of each ``bash`` block, in order."""
    return [block.strip() for block in re.findall(r"```bash\n(.*?)```", document.read_text(), re.S)]


def copy_repository(folder: Path) -> Path:
    """A copy of what the commands need; no data, no weights, no runs."""
    folder.mkdir()
    for name in ("main.py", "pretrain.py", "test.py", "prepare.py", "recommend.py", "compare.py"):
        shutil.copy(ROOT / name, folder)
    for name in ("model", "data", "trainer", "bench", "configs", "script", "pre_weights"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.ckpt"))
    return folder


def run(command: str, folder: Path, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    """Run in bash, with this test's python, on one thread."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": tools, "TRIBUTARY_PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=timeout, check=False
    )
