"""One file from its address to its place: continued, tried again, verified, and only then named."""

import errno
import logging
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING

from data.errors import bad
from data.fetch.part import Part
from data.fetch.reply import ComeBackError, prepare_part
from data.fetch.table import Source
from data.fetch.verify import SUMS, check_beginning, check_gzip, check_recorded, read_sums
from data.files import one_writer

if TYPE_CHECKING:
    import httpx2

logger = logging.getLogger(__name__)

LONGEST_WAIT = 300.0  # seconds; a server that asks for more is left alone
AGAIN = "Run the command again: it continues with what came, where the server can"

Report = Callable[[int, int | None], None]
"""Called with the bytes that are there and the length of the whole, where known."""


class StoppedError(Exception):
    """The user stopped the command."""


class Download:
    """Fetches files one at a time; one object a thread.

    Args:
        client: follows redirects; its timeouts are those of every request.
        retries: attempts that bring nothing new before a file is given up.
        stop: set from outside to stop soon, in a state to continue from.
        pause: seconds before the second attempt; doubled with each further one.
    """

    def __init__(self, client: "httpx2.Client", retries: int, stop: Event, pause: float = 1.0) -> None:
        self._client, self._retries, self._stop, self._pause = client, retries, stop, pause

    def fetch(self, source: Source, report: Report) -> None:
        """Have ``source.target`` whole and verified, whatever part of it was there before.

        Raises:
            ValueError: the server does not give it, or gives something else.
            OSError: the disk is full, or another fault of it.
            StoppedError: ``stop`` was set.
        """
        target = source.target
        with one_writer(target):
            part = Part(target, source.url)
            if target.is_file():
                self._check_old(source)
                part.drop()
                return
            read_sums(target.parent / SUMS)  # a fault of it is told before hours of download
            try:
                self._bring(source, part, report)
                _verify(source, part)
                part.finish(target)
            finally:
                if not part.size():
                    part.drop()  # nothing of it can be continued
        logger.info("%s: %d bytes, verified", target, target.stat().st_size)

    def _check_old(self, source: Source) -> None:
        known = check_recorded(source.target, source.target.name)
        logger.info("%s: there already, %s", source.target, "verified" if known else "its checksum is recorded now")

    def _bring(self, source: Source, part: Part, report: Report) -> None:
        """Attempts until the part is complete; only those that bring it no further are counted."""
        failures, furthest = 0, part.size()
        while not part.complete():
            try:
                self._attempt(source, part, report)
                return
            except ComeBackError as error:
                size = part.size()
                failures = 1 if size > furthest else failures + 1
                furthest = max(furthest, size)
                self._wait(source, error, failures)

    def _wait(self, source: Source, error: ComeBackError, failures: int) -> None:
        seconds = self._pause * 2.0 ** (failures - 1) if error.wait is None else error.wait
        if failures > self._retries or seconds > LONGEST_WAIT:
            asked = f", and asks to wait {seconds:.0f} s" if seconds > LONGEST_WAIT and error.wait else ""
            raise bad(source.url, f"{error}{asked}, after {failures} attempts without progress", AGAIN) from None
        logger.info("%s: %s; again in %.0f s", source.target.name, error, seconds)
        if self._stop.wait(seconds):
            raise StoppedError

    def _attempt(self, source: Source, part: Part, report: Report) -> None:
        """One request, from where the part ends."""
        import httpx2

        headers, version = {"Accept-Encoding": "identity"}, part.version()
        if size := part.size():
            assert version is not None
            headers |= {"Range": f"bytes={size}-", "If-Range": version.validator}
        try:
            with self._client.stream("GET", source.url, headers=headers) as response:
                prepare_part(response, part)
                self._receive(response, source, part, report)
        except httpx2.TooManyRedirects:
            raise bad(source.url, "the redirects never end", "Give a mirror as --base") from None
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise bad(source.url, f"it leads away from http and https ({error})", "Give a mirror as --base") from None
        except httpx2.TransportError as error:
            raise ComeBackError(f"the connection failed ({error or type(error).__name__})") from None

    def _receive(self, response: "httpx2.Response", source: Source, part: Part, report: Report) -> None:
        """The body, as it comes (never unpacked on the way), to the end of the part."""
        version = part.version()
        size, length = part.path.stat().st_size, version.length if version else None
        try:
            with part.path.open("ab") as file:
                for chunk in response.iter_raw():
                    if self._stop.is_set():
                        raise StoppedError
                    if size == 0:
                        check_beginning(source.url, chunk)
                    file.write(chunk)
                    size += len(chunk)
                    report(size, length)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            what = f"the disk is full after {part.path.stat().st_size} bytes"
            raise OSError(f"{part.path}: {what}. Make room. {AGAIN}.") from None
        if size == 0:
            check_beginning(source.url, b"")
        if length is not None and size != length:
            raise ComeBackError(f"the body ended at {size} of {length} bytes")


def _verify(source: Source, part: Part) -> None:
    """Check the complete part; a wrong one goes, since continuing cannot mend it."""
    try:
        check_gzip(part.path, source.url)
        check_recorded(part.path, source.target.name)
    except ValueError:
        part.drop()
        raise
