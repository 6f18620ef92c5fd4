"""When a store is built, where, and what is left when that fails."""

import logging
import os
import stat
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import orjson
import pytest

from data import build_store
from data.build_store import open_store
from data.rows import read_rows
from data.store import META, SequenceStore, StoreWriter

ROOT = Path(__file__).parents[2]
LINES = ["[0, [[1, 1], [2, 2], [3, 3], [2, 4]]]", "[1, [[3, 1], [2, 2], [1, 3]]]"]


@pytest.fixture
def domain(tmp_path: Path) -> Path:
    folder = tmp_path / "Tea"
    folder.mkdir()
    (folder / "histories.jsonl").write_text("\n".join(LINES))
    return folder


@pytest.fixture
def builds(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    class Told(list[str]):
        def __len__(self) -> int:
            return sum("building" in record.getMessage() for record in caplog.records)

    with caplog.at_level(logging.INFO, "data.build_store"):
        yield Told()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def older(path: Path, seconds: int) -> None:
    time = path.stat().st_mtime_ns - seconds * 10**9
    os.utime(path, ns=(time, time))


def test_built_once(domain: Path, builds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(domain, 3)
    monkeypatch.setattr(build_store, "sha256", lambda _: pytest.fail("an untouched file is not read again"))
    for _ in range(2):
        assert open_store(domain, 3).items.tolist() == [1, 2, 3, 2, 3, 2, 1]
    assert len(builds) == 1


def test_a_touched_file_is_no_other_file(domain: Path, builds: list[str]) -> None:
    open_store(domain, 3)
    older(domain / "histories.jsonl", 100)
    open_store(domain, 3)
    assert len(builds) == 1


def test_a_changed_file_of_the_same_size_is_built_again(domain: Path, builds: list[str]) -> None:
    open_store(domain, 3)
    (domain / "histories.jsonl").write_text("\n".join(LINES).replace("[2, 4]", "[3, 4]"))
    older(domain / "histories.jsonl", 100)
    assert open_store(domain, 3).items.tolist() == [1, 2, 3, 3, 3, 2, 1]
    assert len(builds) == 2


def test_any_of_the_published_files_counts(domain: Path, builds: list[str]) -> None:
    (domain / "histories.jsonl").rename(domain / "test_seq.jsonl")
    (domain / "eval_seq.jsonl").write_text("[0, [[1, 1], [2, 2], [3, 3]]]\n[1, [[3, 1], [2, 2]]]")
    (domain / "train_seq.jsonl").write_text("[0, [[1, 1], [2, 2]]]")
    open_store(domain, 3)
    (domain / "train_seq.jsonl").write_text("[0, [[1, 1], [2, 2]]]\n")
    open_store(domain, 3)
    assert len(builds) == 2
    (domain / "train_seq.jsonl").write_text("[0, [[1, 1], [3, 2]]]\n")
    with pytest.raises(ValueError, match="is not a prefix"):
        open_store(domain, 3)


def test_a_change_while_reading_shows_at_the_next_start(domain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    histories, later = domain / "histories.jsonl", "\n".join(LINES).replace("[2, 4]", "[3, 4]")

    class Slow(StoreWriter):
        def close(self, *args: object) -> None:
            super().close(*args)  # type: ignore[arg-type]
            histories.write_text(later)

    with monkeypatch.context() as patch:
        patch.setattr(build_store, "StoreWriter", Slow)
        assert open_store(domain, 3).items[3] == 2
    assert open_store(domain, 3).items[3] == 3


def test_a_store_of_another_version_is_built_again(
    domain: Path, builds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(build_store, "_VERSION", "store-0")
        open_store(domain, 3)
    np.full(7, 9, "<i8").tofile(domain / "store" / "items.bin")
    assert open_store(domain, 3).items.tolist() == [1, 2, 3, 2, 3, 2, 1]
    assert len(builds) == 2


def test_a_smaller_catalogue_is_checked_against(domain: Path) -> None:
    open_store(domain, 3)
    with pytest.raises(ValueError, match=r"histories\.jsonl:1: an item id is outside 1 … 2"):
        open_store(domain, 2)


def test_another_split_is_built_again(domain: Path, tmp_path: Path) -> None:
    for split in ("pretrain", "leave_one_out"):
        (domain / "manifest.json").write_text(f'{{"split": "{split}"}}')
        assert open_store(domain, 3, tmp_path / "elsewhere").split == split


def test_wanted_folder(domain: Path, tmp_path: Path) -> None:
    open_store(domain, 3, tmp_path / "deep" / "store")
    assert names(domain) == ["histories.jsonl"]
    assert len(SequenceStore.open(tmp_path / "deep" / "store")) == 2


@pytest.mark.parametrize("kind", ["folder", "file", "the domain"])
def test_what_is_no_store_is_not_replaced(domain: Path, tmp_path: Path, kind: str) -> None:
    other = domain if kind == "the domain" else tmp_path / "mine"
    thesis = other / "thesis.txt" if kind == "folder" else other
    if kind != "the domain":
        thesis.parent.mkdir(exist_ok=True)
        thesis.write_text("years of work")
    with pytest.raises(ValueError, match="is not a sequence store"):
        open_store(domain, 3, other)
    assert thesis.is_dir() or thesis.read_text() == "years of work"
    assert (domain / "histories.jsonl").is_file()


def test_an_empty_folder_may_become_the_store(domain: Path, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    assert len(open_store(domain, 3, tmp_path / "made")) == 2


def test_read_only_domain_has_its_store_in_the_cache(
    domain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    domain.chmod(0o555)
    try:
        assert len(open_store(domain, 3)) == 2
        assert names(domain) == ["histories.jsonl"]
        (folder,) = (path for path in (tmp_path / "cache" / "tributary").iterdir() if path.is_dir())
        assert folder.name.startswith("Tea-") and (folder / META).is_file()
    finally:
        domain.chmod(0o755)


def test_domains_of_one_name_have_their_own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for shop, item in (("a", 1), ("b", 2)):
        folder = tmp_path / shop / "Tea"
        folder.mkdir(parents=True)
        (folder / "histories.jsonl").write_text(f"[0, [[{item}, 1]]]")
        folder.chmod(0o555)
        assert open_store(folder, 3).items.tolist() == [item]
        folder.chmod(0o755)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, MemoryError])
def test_interrupted_build_leaves_nothing(
    domain: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    class Fails(StoreWriter):
        def close(self, *_: object) -> None:
            raise error

    with monkeypatch.context() as patch:
        patch.setattr(build_store, "StoreWriter", Fails)
        with pytest.raises(error):
            open_store(domain, 3)
    assert names(domain) == [".store.lock", "histories.jsonl"]
    assert len(open_store(domain, 3)) == 2


def test_a_failed_rebuild_leaves_the_old_store(domain: Path) -> None:
    open_store(domain, 3)
    (domain / "histories.jsonl").write_text("\n".join([*LINES, "[2, [[4, 1]]]"]))
    with pytest.raises(ValueError, match=r":3: an item id is outside"):
        open_store(domain, 3)
    assert len(SequenceStore.open(domain / "store")) == 2
    assert names(domain) == [".store.lock", "histories.jsonl", "store"]


_OPEN = """
import logging, sys
from pathlib import Path
from data.build_store import open_store
logging.basicConfig(level=logging.INFO, format="%(message)s")
store = open_store(Path(sys.argv[1]), 50)
sys.stdout.write(f"{len(store)} {int(store.items.sum())} {int(store.timestamps.sum())}")
"""


def test_two_processes_build_one_store(tmp_path: Path) -> None:
    _write_large(tmp_path, users=400)
    command = [sys.executable, "-c", _OPEN, str(tmp_path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
    both = [subprocess.Popen(command, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    told = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert told[0][0] == told[1][0] and told[0][0].startswith("400 ")
    assert sum(errors.count("building") for _, errors in told) == 1
    assert names(tmp_path) == [".store.lock", "histories.jsonl", "store"]


def _write_large(folder: Path, users: int, events: int = 100) -> None:
    random = np.random.default_rng(1)
    with (folder / "histories.jsonl").open("wb") as file:
        for user in range(users):
            pairs = np.stack([random.integers(1, 51, events), np.arange(events) * 86_400], axis=1)
            file.write(orjson.dumps([user, pairs], option=orjson.OPT_SERIALIZE_NUMPY) + b"\n")


def test_a_large_file_takes_constant_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_store, "read_rows", partial(read_rows, block=4096))
    _write_large(tmp_path, users=3000)
    tracemalloc.start()
    try:
        store = open_store(tmp_path, 50)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(store.items) == 300_000 and int(store.timestamps[99]) == 99 * 86_400
    assert peak < 3_000_000, "the columns alone are 4.8 MB, as Python lists some 40 MB"


def test_store_files_are_readable_by_others(domain: Path) -> None:
    open_store(domain, 3)
    assert stat.S_IMODE((domain / "store").stat().st_mode) == 0o755
