"""A download that is not complete: its bytes so far, and which version of the file they belong to."""

from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from data.files import atomic_file


@dataclass(frozen=True)
class Version:
    """What the server said of the file when the first byte came."""

    url: str
    validator: str
    """A strong ETag, else Last-Modified: what ``If-Range`` takes."""
    length: int | None
    """Bytes of the whole file, where the server told."""


class Part:
    """``.<name>.part`` beside the target, and ``.<name>.part.json`` with its `Version`.

    Bytes without a version cannot be continued. The order of writing makes every kill harmless: old bytes go
    before a new version is noted, and the version goes last.
    """

    def __init__(self, target: Path, url: str) -> None:
        self.path = target.with_name(f".{target.name}.part")
        self._note = target.with_name(f".{target.name}.part.json")
        self._url = url

    def size(self) -> int:
        """Bytes that are there, 0 where they cannot be continued."""
        return self.path.stat().st_size if self.version() and self.path.is_file() else 0

    def version(self) -> Version | None:
        """The noted version; ``None`` where there is none or it is of another address."""
        try:
            version = Version(**orjson.loads(self._note.read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return version if version.url == self._url else None

    def complete(self) -> bool:
        """Whether all bytes that the server told of are there."""
        version = self.version()
        return version is not None and version.length is not None and self.size() == version.length

    def restart(self, validator: str | None, length: int | None) -> None:
        """Drop the bytes and note the new version, if there is a validator to continue it by."""
        self.drop()
        self.path.touch()
        if validator is not None:
            note = Version(self._url, validator, length)
            with atomic_file(self._note) as temporary:
                temporary.write_bytes(orjson.dumps(asdict(note)) + b"\n")

    def finish(self, target: Path) -> None:
        """Give the complete file its name."""
        self.path.replace(target)
        self._note.unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove the bytes, then the note."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
