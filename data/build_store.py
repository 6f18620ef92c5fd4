"""History files of any layout to one sequence store, built once and keyed by the files' checksums.

The published prefix files, the compact file and the Parquet parts of the same histories give the same store.
"""

import hashlib
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from data.errors import bad
from data.files import atomic_dir, one_writer, sha256
from data.parts import part_files, read_parts
from data.prefixes import check_prefixes, check_users, longest_prefixes
from data.rows import Rows, read_rows
from data.store import META, SequenceStore, Split, StoreWriter

logger = logging.getLogger(__name__)

_VERSION = "store-2"
_AGAIN = "Prepare the domain again, or take all three files from one source"


def open_store(domain: Path, n_items: int, folder: Path | None = None) -> SequenceStore:
    """The domain's store, built first where there is none yet or its source has changed.

    Args:
        domain: a processed folder with ``histories.jsonl``, ``histories/part-*.parquet``, or the published
            ``*_seq.jsonl`` files.
        n_items: I; item ids outside 1…I are refused.
        folder: where the store lives; ``<domain>/store`` by default, and where the domain cannot be written
            to, the user's cache folder.

    Raises:
        ValueError: no history file, or one that is malformed (see ``read_rows``) or at odds with another;
            or ``folder`` holds something else.
    """
    folder = folder or _default_folder(domain)
    files = _source_files(domain)
    split = _split(domain, files)
    with one_writer(folder):
        known = _read_meta(folder)
        stats = {file.name: _stat(file) for file in files}  # before reading: a later change must show
        sources = {"version": _VERSION, "n_items": str(n_items), "split": split}
        sources |= {file.name: _checksum(file, stats[file.name], known) for file in files}
        if known.get("sources") != sources:
            logger.info("building the sequence store of %s in %s", domain, folder)
            with atomic_dir(folder) as part:
                _build(part, files, n_items, split, sources, stats)
        return SequenceStore.open(folder)


def _source_files(domain: Path) -> list[Path]:
    for names in (
        ["histories.jsonl"],
        ["test_seq.jsonl", "eval_seq.jsonl", "train_seq.jsonl"],
        ["train_seq.jsonl"],
    ):
        files = [domain / name for name in names]
        if files[0].is_file():
            if absent := [file.name for file in files if not file.is_file()]:
                raise bad(domain, f"has {files[0].name} but not {', '.join(absent)}", _AGAIN)
            return files
    if files := part_files(domain):
        return files
    raise bad(
        domain,
        "has neither histories.jsonl, histories/*.parquet nor the published test_seq.jsonl or train_seq.jsonl",
        "Prepare the domain (python prepare.py domain), or put the published files there",
    )


def _build(
    part: Path,
    files: list[Path],
    n_items: int,
    split: Split,
    sources: dict[str, str],
    stats: dict[str, list[int]],
) -> None:
    writer = StoreWriter(part)
    for block in _histories(files, n_items):
        writer.append(block)
    writer.close(split, sources, stats)
    store = SequenceStore.open(part)
    if not len(store):
        raise bad(files[0], "holds no history", "Prepare the domain again")
    check_users(files[0], _histories(files, n_items), store)
    if files[0].name == "test_seq.jsonl":
        lengths = store.lengths
        check_prefixes(files[1], n_items, store, (lengths - 1).clip(min=2), lengths - 1)
        check_prefixes(files[2], n_items, store, np.full_like(lengths, 2), lengths - 2)


def _histories(files: list[Path], n_items: int) -> Iterator[Rows]:
    """Whole histories, of Parquet parts, a file of histories or of prefixes."""
    if files[0].suffix == ".parquet":
        return read_parts(files, n_items)
    file = files[0]
    rows = read_rows(file, n_items)
    return longest_prefixes(file, rows) if file.name == "train_seq.jsonl" else rows


def _split(domain: Path, files: list[Path]) -> Split:
    if files[0].name == "train_seq.jsonl":
        return "pretrain"
    manifest = domain / "manifest.json"
    try:
        told = orjson.loads(manifest.read_bytes()).get("split") if manifest.is_file() else None
    except (ValueError, AttributeError) as error:  # not JSON, or not an object
        raise bad(manifest, f"malformed ({error})", "Prepare the domain again") from None
    return "pretrain" if told == "pretrain" else "leave_one_out"


def _read_meta(folder: Path) -> dict[str, Any]:
    meta = folder / META
    if meta.is_file():
        return dict(orjson.loads(meta.read_bytes()))
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise bad(folder, "is not a sequence store, and would be replaced by one", "Choose another data.store")
    return {}


def _checksum(file: Path, stats: list[int], known: dict[str, Any]) -> str:
    """Of an untouched file the recorded one: a large file is read once, not at each start."""
    if known.get("stats", {}).get(file.name) == stats:
        return str(known["sources"][file.name])
    return sha256(file)


def _stat(file: Path) -> list[int]:
    return [file.stat().st_size, file.stat().st_mtime_ns]


def _default_folder(domain: Path) -> Path:
    if domain.stat().st_mode & stat.S_IWUSR and os.access(domain, os.W_OK):
        return domain / "store"
    name = hashlib.sha256(str(domain.resolve()).encode()).hexdigest()[:12]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tributary" / f"{domain.name}-{name}"
    logger.info("%s cannot be written to: its sequence store lives in %s", domain, folder)
    return folder
