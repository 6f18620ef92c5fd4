import hashlib
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from data.files import atomic_dir, atomic_file, one_writer, sha256

ROOT = Path(__file__).parents[2]
FAULTS = [ValueError, KeyboardInterrupt, SystemExit]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    with atomic_file(path) as part:
        part.write_text("half")
        assert not path.exists() and part.parent == path.parent, "same file system"
        part.write_text("whole")
    assert path.read_text() == "whole" and names(path.parent) == ["a.txt"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("fault", FAULTS)
def test_failed_file_leaves_the_old_one(tmp_path: Path, fault: type[BaseException]) -> None:
    (tmp_path / "a.txt").write_text("old")
    for name in ("a.txt", "b.txt"):
        with pytest.raises(fault), atomic_file(tmp_path / name) as part:
            part.write_text("half")
            raise fault
    assert names(tmp_path) == ["a.txt"] and (tmp_path / "a.txt").read_text() == "old"


def test_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "store"
    for content in ("one", "two"):
        with atomic_dir(path) as part:
            (part / content).mkdir()
            (part / content / "x").write_text(content)
            assert not (path / content).exists()
        assert names(path) == [content] and names(path.parent) == ["store"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o755


@pytest.mark.parametrize("fault", FAULTS)
def test_failed_folder_leaves_the_old_one(tmp_path: Path, fault: type[BaseException]) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").touch()
    for name in ("a", "b"):
        with pytest.raises(fault), atomic_dir(tmp_path / name) as part:
            (part / "half").touch()
            raise fault
    assert names(tmp_path) == ["a"] and names(tmp_path / "a") == ["old"]


_KILLED = """
import os, sys
from pathlib import Path
from data.files import atomic_file
with atomic_file(Path(sys.argv[1])) as part:
    part.write_text("half")
    os.kill(os.getpid(), 9)
"""


def test_a_killed_writer_leaves_no_half_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = subprocess.run([sys.executable, "-c", _KILLED, str(path)], env=env, check=False)
    assert told.returncode == -9 and path.read_text() == "old"


def test_a_reader_sees_one_of_the_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0" * 50_000)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for digit in "12":
                with atomic_file(path) as part:
                    part.write_text(digit * 50_000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        read = [path.read_text() for _ in range(200)]
    finally:
        stop.set()
        writer.join()
    assert all(len(text) == 50_000 and len(set(text)) == 1 for text in read)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    inside: list[str] = []

    def hold(name: str) -> None:
        with one_writer(tmp_path / "deep" / "store"):
            inside.append(f"{name} in")
            time.sleep(0.1)
            inside.append(f"{name} out")

    threads = [threading.Thread(target=hold, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside in (["a in", "a out", "b in", "b out"], ["b in", "b out", "a in", "a out"])


def test_the_lock_is_freed_on_failure(tmp_path: Path) -> None:
    with pytest.raises(KeyError), one_writer(tmp_path / "store"):
        raise KeyError
    with one_writer(tmp_path / "store"):
        assert names(tmp_path) == [".store.lock"]


def test_sha256(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    content = bytes(range(256)) * 5000  # more than a buffer
    path.write_bytes(content)
    assert sha256(path) == hashlib.sha256(content).hexdigest()
    path.write_bytes(b"")
    assert sha256(path) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
