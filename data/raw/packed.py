"""Files packed with gzip or zstd, told by their first bytes, read as a stream."""

import gzip
import io
import shutil
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

from data.errors import bad

AGAIN = "Download or write the file again"
MAGIC = {"gz": b"\x1f\x8b", "zst": b"\x28\xb5\x2f\xfd"}
FAULTS = (EOFError, OSError, zlib.error)
"""What reading a packed stream raises where it is not whole; see `fault`."""

_BUFFER = 1 << 20


def packing(path: Path) -> str | None:
    """``gz``, ``zst``, or ``None`` for a plain file.

    Raises:
        ValueError: there is no such file, or its name promises a packing that its bytes are not.
    """
    if not path.is_file():
        raise bad(path, "there is no such file", "Check the path")
    with path.open("rb") as file:
        beginning = file.read(4)
    found = next((kind for kind, magic in MAGIC.items() if beginning.startswith(magic)), None)
    promised = path.suffix.removeprefix(".")
    if found is None and beginning and promised in MAGIC:
        raise bad(path, f"the {promised} file is damaged (its first bytes are {beginning!r})", AGAIN)
    return found


def open_packed(path: Path) -> BinaryIO:
    """The file's bytes, unpacked; what may go wrong is in `FAULTS`."""
    match packing(path):
        case "gz":
            raw: Any = gzip.GzipFile(path, "rb")
        case "zst":
            import pyarrow as pa

            raw = pa.input_stream(str(path), compression="zstd")
        case _:
            return path.open("rb")
    return io.BufferedReader(cast(io.RawIOBase, raw), buffer_size=_BUFFER)


def fault(path: Path, line: int, error: Exception) -> Exception:
    """The error to raise for one of `FAULTS`, met behind ``line``: bad input, or a fault of the disk as it is."""
    if getattr(error, "errno", None) is not None:  # the unpackers' own errors have no number
        return error
    kind = packing(path)
    if isinstance(error, EOFError) or "Truncated" in str(error):
        return bad(path, f"the {kind} file is cut short, behind line {line}", AGAIN)
    return bad(path, f"the {kind} file is damaged behind line {line} ({error})", AGAIN)


def unpack(path: Path, work: Path) -> Path:
    """A plain file with the same bytes, in ``work`` where ``path`` is packed: DuckDB reads it with all cores.

    Raises:
        ValueError: the file is cut short or damaged, which DuckDB would not always notice.
    """
    if packing(path) is None:
        return path
    target = work / f"{path.name}.unpacked"
    with open_packed(path) as stream, target.open("wb") as file:
        try:
            shutil.copyfileobj(stream, file, _BUFFER)
        except FAULTS as error:
            raise fault(path, _lines(target), error) from None
    return target


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
