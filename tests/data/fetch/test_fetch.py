"""Downloads against a server that misbehaves: what is kept, what is asked again, what is refused."""

import errno
import gzip
import hashlib
import logging
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest
from web import Handler, Web, cut, serve, status

from data.fetch.download import Download, StoppedError
from data.fetch.table import Source
from data.fetch.verify import check_recorded, read_sums

NAME = "x.json.gz"
LINES = random.Random(5).randbytes(150_000).hex().encode()
BODY = gzip.compress(LINES, mtime=0)
THIRD = len(BODY) // 3


@pytest.fixture
def web() -> Iterator[Web]:
    with serve(Web(files={f"/data/{NAME}": BODY})) as served:
        yield served


def fetch(web: Web, folder: Path, retries: int = 2, stop: Event | None = None, timeout: float = 5.0) -> Path:
    source = Source(f"{web.base}/{NAME}", folder / NAME)
    with httpx2.Client(follow_redirects=True, max_redirects=5, timeout=timeout) as client:
        Download(client, retries, stop or Event(), pause=0.01).fetch(source, lambda size, length: None)
    return source.target


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def part(folder: Path) -> bytes:
    return (folder / f".{NAME}.part").read_bytes()


def test_whole_file_with_its_checksum(web: Web, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert fetch(web, tmp_path).read_bytes() == BODY
    assert left(tmp_path) == {NAME, "SHA256SUMS"}
    assert (tmp_path / "SHA256SUMS").read_text() == f"{hashlib.sha256(BODY).hexdigest()}  {NAME}\n"
    with caplog.at_level(logging.INFO):
        fetch(web, tmp_path)
    assert len(web.asked) == 1 and "there already, verified" in caplog.text


def test_dropped_connections_are_continued_where_they_broke(web: Web, tmp_path: Path) -> None:
    web.tricks = [cut(THIRD), cut(THIRD)]
    assert fetch(web, tmp_path).read_bytes() == BODY
    assert web.ranges_asked() == [None, f"bytes={THIRD}-", f"bytes={2 * THIRD}-"]
    assert {asked[2] for asked in web.asked[1:]} == {'"one"'}


def test_given_up_then_continued_by_the_next_run(web: Web, tmp_path: Path) -> None:
    web.tricks = [cut(THIRD), cut(0), cut(0), cut(0)]
    with pytest.raises(ValueError, match=r"connection failed .*, after 3 attempts .*continues with what came"):
        fetch(web, tmp_path)
    assert part(tmp_path) == BODY[:THIRD] and NAME not in left(tmp_path)
    assert fetch(web, tmp_path).read_bytes() == BODY
    assert web.ranges_asked()[-1] == f"bytes={THIRD}-"


def test_no_server_at_all(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1:1/data/x\.json\.gz: the connection failed"):
        fetch(Web(port=1), tmp_path)


def test_silent_server_counts_as_dropped(web: Web, tmp_path: Path) -> None:
    asleep = Event()
    web.tricks = [lambda handler, body: handler.answer(200, body[:10], length=asleep.wait(10) or len(body))]
    try:
        assert fetch(web, tmp_path, timeout=0.2).read_bytes() == BODY
    finally:
        asleep.set()


def test_server_without_ranges_starts_anew(web: Web, tmp_path: Path) -> None:
    web.ranges, web.tricks = False, [cut(THIRD)]
    assert fetch(web, tmp_path).read_bytes() == BODY
    assert web.ranges_asked() == [None, f"bytes={THIRD}-"]


@pytest.mark.parametrize(
    ("validators", "second"),
    [
        ({"Last-Modified": "Sat, 01 Aug 2020 00:00:00 GMT"}, f"bytes={THIRD}-"),
        ({"ETag": 'W/"weak"', "Last-Modified": "Sat, 01 Aug 2020 00:00:00 GMT"}, f"bytes={THIRD}-"),
        ({"ETag": 'W/"weak"'}, None),
        ({}, None),
    ],
)
def test_only_a_strong_validator_continues(
    web: Web, tmp_path: Path, validators: dict[str, str], second: str | None
) -> None:
    web.validators, web.tricks = validators, [cut(THIRD)]
    assert fetch(web, tmp_path).read_bytes() == BODY
    assert web.ranges_asked() == [None, second]
    assert web.asked[1][2] == (validators.get("Last-Modified") if second else None)


def test_file_that_changed_meanwhile_starts_anew(web: Web, tmp_path: Path) -> None:
    web.tricks = [cut(THIRD), cut(0), cut(0), cut(0)]
    with pytest.raises(ValueError, match="the connection failed"):
        fetch(web, tmp_path)
    changed = gzip.compress(LINES[::-1], mtime=0)
    web.files, web.validators = {f"/data/{NAME}": changed}, {"ETag": '"two"'}
    assert fetch(web, tmp_path).read_bytes() == changed


def _other_length(handler: Handler, body: bytes) -> None:
    handler.answer(206, body[THIRD:], {"Content-Range": f"bytes {THIRD}-{len(body)}/{len(body) + 1}"})


def _other_start(handler: Handler, body: bytes) -> None:
    handler.answer(206, body[THIRD - 1 :], {"Content-Range": f"bytes {THIRD - 1}-{len(body) - 1}/{len(body)}"})


@pytest.mark.parametrize("lie", [_other_length, _other_start, status(206), status(416)])
def test_wrong_continuation_is_not_appended(web: Web, tmp_path: Path, lie: Any) -> None:
    web.tricks = [cut(THIRD), lie]
    assert fetch(web, tmp_path).read_bytes() == BODY
    assert web.ranges_asked() == [None, f"bytes={THIRD}-", None]


@pytest.mark.parametrize(
    ("code", "told"), [(404, "404 Not Found. Look whether the file has moved"), (403, "403 Forbidden. Try again later")]
)
def test_refusals_are_not_repeated(web: Web, tmp_path: Path, code: int, told: str) -> None:
    web.tricks = [cut(THIRD), status(code)]
    with pytest.raises(ValueError, match=told):
        fetch(web, tmp_path)
    assert len(web.asked) == 2 and part(tmp_path) == BODY[:THIRD], "what came may still be continued"


def test_busy_server_is_asked_again_when_it_says(web: Web, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    date = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)  # past: at once
    web.tricks = [status(503, retry_after="1"), status(429, retry_after=date), status(503)]
    with caplog.at_level(logging.INFO):
        assert fetch(web, tmp_path, retries=3).read_bytes() == BODY
    assert "503 Service Unavailable; again in 1 s" in caplog.text and "again in 0 s" in caplog.text


def test_busy_server_is_left_alone_in_the_end(web: Web, tmp_path: Path) -> None:
    web.tricks = [status(503)] * 5
    with pytest.raises(ValueError, match=r"503 Service Unavailable, after 3 attempts"):
        fetch(web, tmp_path)
    assert len(web.asked) == 3
    web.tricks = [status(503, retry_after="86400")]
    with pytest.raises(ValueError, match="asks to wait 86400 s"):
        fetch(web, tmp_path)
    assert len(web.asked) == 4


def test_redirects(web: Web, tmp_path: Path) -> None:
    web.tricks = [status(302, location="/moved.gz")]
    web.files["/moved.gz"] = BODY
    assert fetch(web, tmp_path).read_bytes() == BODY


@pytest.mark.parametrize(
    ("location", "told"),
    [(f"/data/{NAME}", "redirects never end"), ("ftp://host/x", "leads away"), ("file:///etc/passwd", "leads away")],
)
def test_bad_redirects(web: Web, tmp_path: Path, location: str, told: str) -> None:
    web.tricks = [status(302, location=location)] * 9
    with pytest.raises(ValueError, match=told):
        fetch(web, tmp_path)
    assert left(tmp_path) == set()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<!DOCTYPE html><html>please log in</html>", "a web page, which begins with '<!DOCTYPE html>"),
        (b'{"asin": 1}\n', "no gz file"),
        (b"", "no gz file"),
        (BODY[:-300], r"not whole \(Compressed file ended"),
        (BODY[:-8] + bytes(4) + BODY[-4:], r"not whole \(CRC check failed"),
        (BODY[:-4] + bytes(4), r"not whole \(Incorrect length"),
        (BODY[:999] + bytes([BODY[999] ^ 255]) + BODY[1000:], "not whole"),
    ],
    ids=["page", "json", "empty", "cut", "crc", "size", "flipped"],
)
def test_wrong_content_leaves_nothing(web: Web, tmp_path: Path, body: bytes, told: str) -> None:
    web.files[f"/data/{NAME}"] = body
    with pytest.raises(ValueError, match=told):
        fetch(web, tmp_path)
    assert left(tmp_path) == set() and len(web.asked) == 1


def test_bytes_are_kept_as_sent(web: Web, tmp_path: Path) -> None:
    """Apache says `Content-Encoding: x-gzip` of a gz file; unpacking would leave another one."""
    web.tricks = [lambda handler, body: handler.answer(200, body, {"Content-Encoding": "gzip"})]
    assert fetch(web, tmp_path).read_bytes() == BODY


def test_other_checksum_than_recorded(web: Web, tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  {NAME}\n")
    with pytest.raises(ValueError, match=rf"{NAME}: the sha256 is \w+, recorded is 0000"):
        fetch(web, tmp_path)
    assert left(tmp_path) == {"SHA256SUMS"}
    (tmp_path / "SHA256SUMS").write_text("what\n")
    with pytest.raises(ValueError, match="SHA256SUMS:1: the line is not"):
        fetch(web, tmp_path)
    assert len(web.asked) == 1, "a broken record is told before anything is fetched"


def test_many_threads_record_each_its_own(tmp_path: Path) -> None:
    names = [f"{number}.gz" for number in range(16)]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    with ThreadPoolExecutor(8) as pool:
        known = list(pool.map(lambda name: check_recorded(tmp_path / name, name), names))
    assert known == [False] * 16
    assert read_sums(tmp_path / "SHA256SUMS").keys() == set(names)


def test_old_file_is_checked_and_recorded(web: Web, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(BODY)
    fetch(web, tmp_path)
    assert web.asked == [] and NAME in (tmp_path / "SHA256SUMS").read_text()
    (tmp_path / NAME).write_bytes(BODY + b"x")
    with pytest.raises(ValueError, match="the sha256 is"):
        fetch(web, tmp_path)


class SmallDisk:
    """A file on a disk with room for half of the body."""

    def __init__(self, file: Any) -> None:
        self.file, self.room = file, len(BODY) // 2

    def __enter__(self) -> "SmallDisk":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, data: bytes) -> None:
        self.file.write(data[: self.room])
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_full_disk_keeps_what_was_written(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def small(self: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        file = real(self, mode, *args, **options)
        return SmallDisk(file) if mode == "ab" else file

    monkeypatch.setattr(Path, "open", small)
    with pytest.raises(OSError, match=rf"\.part: the disk is full after {len(BODY) // 2} bytes\. Make room\. Run the"):
        fetch(web, tmp_path)
    monkeypatch.undo()
    assert part(tmp_path) == BODY[: len(BODY) // 2]
    assert fetch(web, tmp_path).read_bytes() == BODY
    assert web.ranges_asked() == [None, f"bytes={len(BODY) // 2}-"]


def test_stopped_in_the_middle_and_continued(web: Web, tmp_path: Path) -> None:
    stop = Event()
    source = Source(f"{web.base}/{NAME}", tmp_path / NAME)

    def stop_later(size: int, length: int | None) -> None:
        assert length == len(BODY)
        if size > THIRD:
            stop.set()

    with httpx2.Client() as client, pytest.raises(StoppedError):
        Download(client, 0, stop).fetch(source, stop_later)
    kept = part(tmp_path)
    assert THIRD < len(kept) < len(BODY)
    assert fetch(web, tmp_path).read_bytes() == BODY
    assert web.ranges_asked()[-1] == f"bytes={len(kept)}-"


def test_bytes_without_a_note_are_not_trusted(web: Web, tmp_path: Path) -> None:
    (tmp_path / f".{NAME}.part").write_bytes(b"anything")
    (tmp_path / f".{NAME}.part.json").write_bytes(b"{broken")
    assert fetch(web, tmp_path).read_bytes() == BODY
    assert web.ranges_asked() == [None] and left(tmp_path) == {NAME, "SHA256SUMS"}


def test_complete_part_is_only_verified(web: Web, tmp_path: Path) -> None:
    """A kill between the last byte and the name."""
    web.tricks = [cut(len(BODY) - 1), cut(0), cut(0), cut(0)]
    with pytest.raises(ValueError, match="the connection failed"):
        fetch(web, tmp_path)
    (tmp_path / f".{NAME}.part").write_bytes(BODY)
    count = len(web.asked)
    assert fetch(web, tmp_path).read_bytes() == BODY and len(web.asked) == count
