"""Asking servers for pictures: many at once, few of each, again after a while, and never too much."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from data.fetch.reply import LATER, ComeBackError, retry_after

if TYPE_CHECKING:
    import httpx2

SCHEMES = ("http", "https")
REDIRECTS = 5
LONGEST_WAIT = 120.0  # seconds; a server that asks for more is left alone
SILENT = 8  # pictures in a row that a host did not answer for, after which it is not asked again


class FetchError(Exception):
    """The picture cannot be had; the text says why, alike for all pictures with the same fault."""


@dataclass(frozen=True)
class Limits:
    """What is asked of servers, and of this machine.

    Args:
        jobs: requests at once.
        per_host: requests at once to one host.
        retries: further attempts after a fault that may pass; the wait between them doubles.
        timeout: seconds for one attempt, from connecting to the last byte.
        max_bytes: of a picture as it comes.
    """

    jobs: int = 32
    per_host: int = 8
    retries: int = 3
    timeout: float = 30.0
    max_bytes: int = 20_000_000

    def __post_init__(self) -> None:
        if min(self.jobs, self.per_host, self.max_bytes) < 1 or self.retries < 0 or not self.timeout > 0:
            raise ValueError(f"{self}: write at least 1 (retries 0, timeout more than 0).")


class PictureClient:
    """Gets the bytes of pictures within the limits.

    Args:
        client: does not follow redirects.
        limits: see there.
        pause: seconds before the second attempt.
    """

    def __init__(self, client: "httpx2.AsyncClient", limits: Limits, pause: float = 1.0) -> None:
        self._client, self._limits, self._pause = client, limits, pause
        self._all = asyncio.Semaphore(limits.jobs)
        self._hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(limits.per_host))
        self._silent: Counter[str] = Counter()

    async def get(self, address: str) -> bytes:
        """The bytes behind ``address``.

        Raises:
            FetchError: they cannot be had, now or ever.
        """
        host, wait = host_of(address), self._pause
        for left in range(self._limits.retries, -1, -1):
            if self._silent[host] >= SILENT:
                raise FetchError("the host does not answer")
            try:
                body = await self._follow(address)
                self._silent[host] = 0
                return body
            except ComeBackError as error:
                seconds = wait if error.wait is None else error.wait
                if not left or seconds > LONGEST_WAIT:
                    raise FetchError(str(error)) from None
            except (ConnectionError, TimeoutError) as error:
                if not left:
                    self._silent[host] += 1
                    raise FetchError(str(error) or "timed out") from None
                seconds = wait
            await asyncio.sleep(seconds)
            wait *= 2
        raise AssertionError("the last attempt returns or raises")

    async def _follow(self, address: str) -> bytes:
        """One attempt, through every redirect."""
        for _ in range(REDIRECTS + 1):
            reply = await self._ask(address)
            if isinstance(reply, bytes):
                return reply
            address = reply
        raise FetchError("the redirects never end")

    async def _ask(self, address: str) -> bytes | str:
        """One request: the body, or the address of a redirect.

        Raises:
            ConnectionError: the connection failed.
        """
        import httpx2

        limit = asyncio.timeout(self._limits.timeout)
        try:
            # The host first: who waits for a busy host takes no place of the others.
            async with self._hosts[host_of(address)], self._all, limit, self._client.stream("GET", address) as response:
                return await self._receive(response)
        except httpx2.TimeoutException:
            raise TimeoutError("timed out") from None
        except httpx2.TransportError as error:
            raise ConnectionError(f"the connection failed ({type(error).__name__})") from None
        except (httpx2.InvalidURL, httpx2.RequestError) as error:
            raise FetchError(f"no request can be made of the address ({type(error).__name__})") from None

    async def _receive(self, response: "httpx2.Response") -> bytes | str:
        status, limit = response.status_code, self._limits.max_bytes
        if response.has_redirect_location:
            return urljoin(str(response.url), response.headers["location"])
        if status in LATER:
            raise ComeBackError(f"the server answers {status}", retry_after(response))
        if status != 200:
            raise FetchError(f"the server answers {status}")
        body = bytearray()
        too_large = FetchError(f"more than {limit} bytes")
        told = response.headers.get("content-length", "")
        if told.isdigit() and int(told) > limit:
            raise too_large
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > limit:
                raise too_large
        return bytes(body)


def host_of(address: str) -> str:
    """The host, with its port, of an http or https address.

    Raises:
        FetchError: of any other.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        raise FetchError("the address is malformed") from None
    if parts.scheme not in SCHEMES or not parts.netloc:
        raise FetchError("the address is neither http nor https")
    return parts.netloc.lower()
