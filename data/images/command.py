"""The command ``python prepare.py images``: the pictures of a domain's items, fetched into its raw folder."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from tabulate import tabulate

from data.command import stopped
from data.features.encoder import read_items
from data.files import one_writer
from data.images.addresses import read_addresses
from data.images.client import Limits
from data.images.crawl import crawl
from data.images.link import link_pictures, read_manifest
from data.images.report import NAME, Report, read_report
from data.images.shrink import Shrink
from data.progress import bars_of
from data.raw.find import find_raw, picture_names, picture_of
from data.raw.layouts.columns import Columns

logger = logging.getLogger(__name__)


def fetch_images(
    domain: Path,
    raw: Path | None = None,
    size: int = 256,
    quality: int = 90,
    jobs: int = 32,
    per_host: int = 8,
    retries: int = 3,
    timeout: float = 30.0,
    max_bytes: int = 20_000_000,
    retry: bool = False,
) -> None:
    """Fetch the pictures of a prepared domain's items, from the addresses that its raw metadata name.

    They are checked by decoding, stored as small JPEGs in the raw folder's images/, and named in the domain's
    item.jsonl. An item whose picture cannot be had counts as one without a picture; images/report.json says why.
    What is there is kept: run the command again after any fault, or a kill.

    Args:
        domain: processed domain folder, as `prepare.py domain` made it.
        raw: raw folder of the shop; by default the one that the domain was made from.
        size: pixels of a stored picture's shorter side (encoders want 224 or 256); a smaller one keeps its own.
        quality: of the stored JPEGs, 1 to 95.
        jobs: requests at once.
        per_host: requests at once to one host.
        retries: further attempts after a fault that may pass; the wait between them doubles.
        timeout: seconds for one attempt, from connecting to the last byte.
        max_bytes: of a picture as it comes; a larger one is not taken.
        retry: ask again for the pictures that failed in earlier runs.

    Raises:
        ValueError: bad input, or stored pictures of another size or quality.
        OSError: the disk is full, or another fault of it.
    """
    limits = Limits(jobs, per_host, retries, timeout, max_bytes)
    options = read_manifest(domain)["options"]
    named = options.get("columns")
    files = find_raw(raw or domain.resolve() / options["raw"], Columns(**named) if named else None)
    items = [item.key for item in read_items(domain)]
    with one_writer(files.images):
        report = read_report(files.images, Shrink(size, quality))
        addresses = read_addresses(files.items, set(items))
        _fetch(items, addresses, files.images, report, limits, retry)
    with one_writer(domain):
        link_pictures(domain, files.images)
    table = tabulate(report.rows(items), headers=["pictures", "why", "items"])
    logger.info("%s: %d items, told in %s\n\n%s", domain, len(items), files.images / NAME, table)


def _fetch(
    items: list[str],
    addresses: dict[str, tuple[str, ...]],
    images: Path,
    report: Report,
    limits: Limits,
    retry: bool,
) -> None:
    """Bring what is not there, and count."""
    images.mkdir(parents=True, exist_ok=True)
    for left in images.glob(".*.part"):  # of a command that was killed
        left.unlink()
    names = picture_names(images)
    lacking = [item for item in items if picture_of(item, names) is None]
    asked = [item for item in lacking if item in addresses and (retry or item not in report.failed)]
    report.failed = {item: why for item, why in report.failed.items() if picture_of(item, names) is None}
    report.items = len(items)
    report.missing = [item for item in lacking if item not in addresses]
    report.fetched = len(items) - len(lacking)
    report.write(images)  # the options are known from now on, whatever happens
    try:
        with _bar(len(asked)) as tick:
            crawl({item: addresses[item] for item in asked}, images, report, limits, tick)
    except KeyboardInterrupt:
        raise stopped() from None


@contextmanager
def _bar(total: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr while the block runs, on a terminal only; gives what moves it by one."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with bars_of(*columns) as progress:
        task = progress.add_task("pictures", total=total)
        yield lambda: progress.advance(task)
