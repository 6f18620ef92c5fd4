"""Whether a downloaded file is whole: its gzip stream, and the checksum recorded beside it."""

import gzip
import zlib
from pathlib import Path

from data.errors import bad
from data.files import atomic_file, one_writer, sha256

SUMS = "SHA256SUMS"  # as sha256sum writes and checks it
MAGIC = b"\x1f\x8b"
BLOCK = 1 << 20


def check_beginning(url: str, beginning: bytes) -> None:
    """Refuse what cannot be a gz file from its first bytes on.

    Raises:
        ValueError: it is a web page, empty, or something else.
    """
    if beginning.startswith(MAGIC):
        return
    shown = beginning[:40].decode("utf-8", "replace").strip()
    page = shown.lower().startswith(("<!doctype", "<html", "<?xml"))
    what = "the server sent a web page" if page else "the server sent no gz file"
    raise bad(url, f"{what}, which begins with {shown!r}", "Open the address in a browser, or give a mirror as --base")


def check_gzip(path: Path, url: str) -> None:
    """Decompress everything: CRC and size of each member are compared with its trailer.

    Raises:
        ValueError: the stream is cut short or damaged.
    """
    try:
        with gzip.open(path, "rb") as stream:
            while stream.read(BLOCK):
                pass
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        what = f"the gz file that came is not whole ({error})"
        raise bad(url, what, "It was removed; run the command again, or give a mirror as --base") from None


def check_recorded(path: Path, name: str) -> bool:
    """Compare with the checksum recorded beside ``path``; record it where there is none.

    Args:
        path: the file, or its complete part.
        name: what the file is or will be called.

    Returns:
        Whether a checksum had been recorded.

    Raises:
        ValueError: the file is another one.
    """
    sums, digest = path.parent / SUMS, sha256(path)
    with one_writer(sums):
        recorded = read_sums(sums)
        if recorded.get(name, digest) != digest:
            what = f"the sha256 is {digest}, recorded is {recorded[name]}"
            raise bad(path.parent / name, what, f"Fetch it again, or remove its line of {sums} if the file is right")
        if name in recorded:
            return True
        with atomic_file(sums) as temporary:
            lines = sorted((recorded | {name: digest}).items())
            temporary.write_text("".join(f"{value}  {key}\n" for key, value in lines), "utf-8")
        return False


def read_sums(path: Path) -> dict[str, str]:
    """File name → sha256, from lines ``<hex>  <name>``.

    Raises:
        ValueError: a line is not like that.
    """
    recorded: dict[str, str] = {}
    if not path.is_file():
        return recorded
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        digest, _, name = line.partition(" ")
        if len(digest) != 64 or not name[1:]:
            raise bad(path, "the line is not `<sha256>  <file>`", "Mend or remove the line", number)
        recorded[name[1:]] = digest.lower()
    return recorded
