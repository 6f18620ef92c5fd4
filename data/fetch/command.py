"""Domains by their short names to raw folders, several files at once."""

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event

from data.command import stopped
from data.fetch.download import Download
from data.fetch.progress import bars
from data.fetch.table import Source, sources

logger = logging.getLogger(__name__)

REDIRECTS = 10


def fetch_domains(
    domains: list[str],
    out: Path = Path("dataset/amazon_v2/raw"),
    base: str | None = None,
    jobs: int = 4,
    retries: int = 5,
    timeout: float = 60.0,
) -> None:
    """Download Amazon Review 2018 domains: 5-core reviews and metadata, each into its folder of raw files.

    What was begun is continued where the server can; what is complete is decompressed to the end, compared with
    the sha256 recorded in SHA256SUMS beside it (or recorded there the first time), and only then named. A file
    that fails does not stop the others. Run the command again after any fault, or a kill.

    Args:
        domains: short names, as [Scientific, Pantry]; a wrong one lists all.
        out: folder in which each domain gets its own.
        base: address in place of the published one, of a mirror with the same folders.
        jobs: files at once.
        retries: attempts without progress before a file is given up; the wait between them doubles.
        timeout: seconds without a byte after which a connection counts as dropped.

    Raises:
        ValueError: an unknown domain, or a file that could not be had (all of these in one message).
    """
    if jobs < 1 or retries < 0 or not timeout > 0:
        raise ValueError(f"jobs {jobs}, retries {retries}, timeout {timeout}: write at least 1, 0 and more than 0.")
    wanted = sources(domains, out, base)
    faults = _fetch_all(wanted, jobs, retries, timeout)
    if faults:
        told = "\n".join(str(fault) for fault in faults)
        raise ValueError(told if len(faults) == 1 else f"{len(faults)} of {len(wanted)} files failed:\n{told}")


def _fetch_all(wanted: Sequence[Source], jobs: int, retries: int, timeout: float) -> list[ValueError | OSError]:
    """Fetch every file; what went wrong, in the order of the files."""
    import httpx2

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells every request at INFO
    stop = Event()
    client = httpx2.Client(follow_redirects=True, max_redirects=REDIRECTS, timeout=timeout)
    with client, bars() as shown, ThreadPoolExecutor(jobs) as pool:
        download = Download(client, retries, stop)
        running = [pool.submit(download.fetch, source, shown.bar(source.target.name)) for source in wanted]
        try:
            for done in as_completed(running):
                _fault(done)
        except BaseException as error:
            stop.set()
            pool.shutdown(cancel_futures=True)
            if isinstance(error, KeyboardInterrupt):
                raise stopped() from None
            raise
    return [fault for done in running if (fault := _fault(done)) is not None]


def _fault(done: "Future[None]") -> ValueError | OSError | None:
    """What the user can mend; anything else is a bug and is raised."""
    try:
        done.result()
    except (ValueError, OSError) as fault:
        return fault
    return None
