"""What a server's reply means for a download: go on, start anew, come back later, or never."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from data.errors import bad
from data.fetch.part import Part

if TYPE_CHECKING:
    import httpx2

LATER = (408, 425, 429, 500, 502, 503, 504)
REMEDIES = {404: "Look whether the file has moved, or give a mirror as --base"}
PARTIAL, BEYOND = 206, 416


class ComeBackError(Exception):
    """The reply does not help now, but may later.

    Args:
        what: what happened.
        wait: seconds that the server asks to wait, where it does.
    """

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


def prepare_part(response: "httpx2.Response", part: Part) -> None:
    """Make ``part`` ready for the body that follows: continued where the server continues, else started anew.

    Raises:
        ComeBackError: the server is busy, or what it continues is another version.
        ValueError: the server will not give the file.
    """
    status = response.status_code
    if status == PARTIAL:
        return _check_continued(response, part)
    if status == BEYOND and part.size():
        part.drop()
        raise ComeBackError("the file is shorter than what was there of it")
    if status in LATER:
        raise ComeBackError(f"the server answers {status} {response.reason_phrase}", retry_after(response))
    if status != 200:
        what = f"the server answers {status} {response.reason_phrase}"
        raise bad(str(response.url), what, REMEDIES.get(status, "Try again later, or give a mirror as --base"))
    part.restart(_validator(response), _length(response))


def _check_continued(response: "httpx2.Response", part: Part) -> None:
    told = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("content-range", ""))
    version = part.version()
    fits = told is not None and version is not None and int(told[1]) == part.size()
    if not fits or (told and version and version.length is not None and told[2] not in ("*", str(version.length))):
        part.drop()
        raise ComeBackError("the server continues another file")


def _validator(response: "httpx2.Response") -> str | None:
    """The strong ETag, else Last-Modified: a weak ETag does not promise equal bytes (RFC 9110, 13.1.5)."""
    tag: str | None = response.headers.get("etag")
    if tag and not tag.startswith("W/"):
        return tag
    modified: str | None = response.headers.get("last-modified")
    return modified


def _length(response: "httpx2.Response") -> int | None:
    told = response.headers.get("content-length", "")
    return int(told) if told.isdigit() else None


def retry_after(response: "httpx2.Response") -> float | None:
    """Seconds that the server asks to wait, by number or by date; None where it does not."""
    told = response.headers.get("retry-after", "")
    if told.isdigit():
        return float(told)
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
