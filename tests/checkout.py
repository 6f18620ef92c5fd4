"""A copy of the scripts with a stand-in for python, so that tests see what is installed, run and reused."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASH = shutil.which("bash")

TOOLS = """
    basename bash cat chmod cp cut dirname find flock grep head kill ln ls mkdir mktemp mv readlink rm sed
    sha256sum shasum sleep sort tee tr true
"""
PROCESSED = (
    "item2id.jsonl",
    "user2id.jsonl",
    "histories.jsonl",
    "manifest.json",
    "features/text.safetensors",
)
PROBE = """
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/env.sh"
echo "$ROOT|$PYTHON|$(command -v python)"
"""

# Writes each call to $LOG; makes environments, "installs", and leaves what the real commands would leave.
FAKE_PYTHON = """#!{bash}
value() {{ while [ $# -gt 1 ]; do if [ "$1" = "$name" ]; then echo "$2"; fi; shift; done; }}
case "$*" in
    "-c import sys;"*) echo "${{FAKE_VERSION:-3.11.7}}"; [ -z "${{FAKE_OLD:-}}" ] ;;
    "-c import ensurepip"*) [ -z "${{FAKE_BARE:-}}" ] ;;
    "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    "-m pip --version") ;;
    "-m pip install "*)
        echo "pip ${{@: -1}}" >>"$LOG"
        if [ -n "${{FAKE_KILLED:-}}" ]; then kill -9 0; fi
        sleep "${{FAKE_SECONDS:-0}}"
        exit "${{FAKE_STATUS:-0}}"
        ;;
    *)
        printf '%s\\n' "$*" >>"$LOG"
        out="$(name=--out value "$@")"
        run="$(name=--run_dir value "$@")"
        if [ -n "$out" ]; then
            mkdir -p "$out/features"
            echo "$*" | tee "$out/manifest.json" >"$out/features/text.safetensors"
        fi
        if [ -n "$run" ]; then mkdir -p "$run"; echo "$*" >"$run/best.ckpt"; fi
        ;;
esac
"""
FAKE_UV = """#!{bash}
case "$1" in
    venv)
        while [ $# -gt 1 ]; do
            if [ "$1" = --python ]; then python="$2"; fi
            shift
        done
        "$python" -m venv "$1"
        ;;
    pip)
        if command -v flock >/dev/null; then flock -n "${{4%/bin/python}}/.lock" true || exit 1; fi  # as uv does
        echo "uv ${{@: -1}}" >>"$LOG"
        ;;
esac
"""


class Checkout:
    """The scripts in a folder with a space, and a PATH of nothing but the tools and what a test adds."""

    def __init__(self, folder: Path) -> None:
        if BASH is None:
            pytest.skip("no bash here")
        self.root = folder / "my repo"
        self.elsewhere = folder / "elsewhere"
        self.bin = folder / "bin"
        self.log_file = folder / "log"
        for made in (self.root, self.elsewhere, self.bin):
            made.mkdir(parents=True)
        shutil.copytree(ROOT / "script", self.root / "script")
        (self.root / "script/probe.sh").write_text(PROBE)
        for name in ("requirements.txt", "requirements-dev.txt"):
            (self.root / name).write_text(f"# {name}\n")
        for tool in TOOLS.split():
            if found := shutil.which(tool):
                (self.bin / tool).symlink_to(found)
        self.python = self.add("python3.11", FAKE_PYTHON)

    def add(self, name: str, text: str) -> Path:
        path = self.bin / name
        path.write_text(text.format(bash=BASH))
        path.chmod(0o755)
        return path

    def domain(self, where: str, files: tuple[str, ...] = PROCESSED) -> Path:
        for name in files:
            path = self.root / where / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x\n")
        return self.root / where

    def start(self, script: str | Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        assert BASH is not None
        return subprocess.Popen(
            [BASH, str(self.root / script), *arguments],
            cwd=self.elsewhere,
            env={
                "PATH": str(self.bin),
                "LOG": str(self.log_file),
                "HOME": os.environ.get("HOME", "/"),
                **settings,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # a test kills its whole group
        )

    def run(self, script: str | Path, *arguments: str, **settings: str) -> tuple[int, str]:
        process = self.start(script, *arguments, **settings)
        output = process.communicate(timeout=60)[0]
        return process.returncode, output

    def ready(self, script: str | Path, *arguments: str, **settings: str) -> tuple[int, str]:
        """Run with an environment that is there already."""
        return self.run(script, *arguments, TRIBUTARY_PYTHON=str(self.python), **settings)

    def log(self) -> list[str]:
        lines = self.log_file.read_text().splitlines() if self.log_file.exists() else []
        return [line.replace(f"{self.root}/", "") for line in lines]
