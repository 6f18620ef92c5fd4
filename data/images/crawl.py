"""Every picture asked for once, each host in its own queue, and stored whole or not at all."""

import asyncio
import os
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from data.features.picture import BadPictureError
from data.files import atomic_file
from data.images.client import FetchError, Limits, PictureClient, host_of
from data.images.report import Failure, Report
from data.images.shrink import Shrink

ENDING = ".jpg"
SAVE_EACH = 30.0  # seconds between two writings of the report

Addresses = Mapping[str, tuple[str, ...]]


def crawl(
    wanted: Addresses, images: Path, report: Report, limits: Limits, tick: Callable[[], None], pause: float = 1.0
) -> None:
    """Fetch and store the pictures of ``wanted``; who fails is noted in ``report``.

    Args:
        wanted: item → addresses, tried in order.
        images: folder of ``<item>.jpg``.
        report: written there from time to time, and when all is done or the command is stopped.
        limits: of requests.
        tick: called after each item.
        pause: seconds before a second attempt.

    Raises:
        OSError: the disk is full, or another fault of it.
    """
    try:
        asyncio.run(_crawl(wanted, images, report, limits, tick, pause))
    except BaseExceptionGroup as group:  # of the workers; the first says enough
        raise group.exceptions[0] from None
    finally:
        report.write(images)


async def _crawl(
    wanted: Addresses, images: Path, report: Report, limits: Limits, tick: Callable[[], None], pause: float
) -> None:
    import httpx2

    connections = httpx2.Limits(max_connections=limits.jobs)
    headers = {"Accept": "image/*", "Accept-Encoding": "identity"}
    async with httpx2.AsyncClient(timeout=limits.timeout, limits=connections, headers=headers) as client:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            worker = _Worker(PictureClient(client, limits, pause), images, report, pool, tick)
            async with asyncio.TaskGroup() as group:
                for queue in _queues(wanted):
                    for _ in range(min(limits.per_host, len(queue))):
                        group.create_task(worker.run(queue))


def _queues(wanted: Addresses) -> list[deque[tuple[str, tuple[str, ...]]]]:
    """The items by the host of their first address: a slow host holds up nobody else."""
    queues: defaultdict[str, deque[tuple[str, tuple[str, ...]]]] = defaultdict(deque)
    for item, addresses in wanted.items():
        try:
            queues[host_of(addresses[0])].append((item, addresses))
        except FetchError:
            queues[""].append((item, addresses))
    return list(queues.values())


@dataclass
class _Worker:
    client: PictureClient
    images: Path
    report: Report
    pool: ThreadPoolExecutor
    tick: Callable[[], None]
    saved: float = 0.0

    async def run(self, queue: deque[tuple[str, tuple[str, ...]]]) -> None:
        """Take items until none is left."""
        while queue:
            item, addresses = queue.popleft()
            self.report.note(item, await self._first(item, addresses))
            self._save_now_and_then()
            self.tick()

    async def _first(self, item: str, addresses: tuple[str, ...]) -> Failure | None:
        """Store the first picture that can be had; the last failure where there is none."""
        failure = None
        for address in addresses:
            try:
                path = self.images / file_name(item)
                body = await self.client.get(address)
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self.pool, _store, path, body, self.report.shrink)
                return None
            except FetchError as error:
                failure = Failure(address, str(error))
            except BadPictureError as error:
                failure = Failure(address, f"no usable picture ({error})")
        return failure

    def _save_now_and_then(self) -> None:
        now = time.monotonic()
        if now > self.saved + SAVE_EACH:
            self.report.write(self.images)
            self.saved = now


def _store(path: Path, body: bytes, shrink: Shrink) -> None:
    picture = shrink(body)
    with atomic_file(path) as temporary:
        temporary.write_bytes(picture)


def file_name(item: str) -> str:
    """Name of an item's picture.

    Raises:
        FetchError: no file can have the item's key as its name.
    """
    if any(sign in item for sign in "/\\\0") or len(item.encode()) > 200:
        raise FetchError("the item's key cannot be a file name")
    return item + ENDING
