"""The recommend command: raw item ids in; the best items, with titles and scores, out."""

import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import orjson
from tabulate import tabulate

from data.domain import Domain
from data.files import atomic_file
from trainer.histories import History, one_history, read_histories
from trainer.ranker import Ranker, load_ranker

logger = logging.getLogger(__name__)

_NAMED = 20  # unknown ids that one warning names; the output has all
_TITLE = 60  # letters of a title in a table


def recommend(
    ckpt_path: Path,
    items: str | None = None,
    times: list[int] | None = None,
    histories: Path | None = None,
    k: int = 10,
    remove_history: bool = False,
    format: Literal["table", "jsonl"] = "table",
    out: Path | None = None,
    domain: Path | None = None,
) -> None:
    """Recommend items from a checkpoint alone; it knows its model and its domain.

    Item ids that the domain does not have are named and left out. Items of the domain that the checkpoint does not
    know are ranked by their content. A row of ``histories`` of which nothing is known gets no items.

    Args:
        ckpt_path: a run's best.ckpt, or a converted checkpoint.
        items: what one user had, raw item ids, oldest first: '[B001, B002]'.
        times: when, UNIX seconds, one an item: '[1500000000, 1500086400]'; without them every gap is taken as 0.
        histories: instead, a jsonl file of rows {"user": "…", "items": ["B001", …], "times": [1500000000, …]}, user
            and times optional.
        k: how many items a user.
        remove_history: leave out what the user had.
        format: a table, or jsonl rows {"user": …, "items": [{"item": …, "title": …, "score": …}, …], "unknown": […]}.
        out: a file to write instead of the terminal.
        domain: another preparation of the checkpoint's domain, or the same one moved.

    Raises:
        ValueError: an argument, the file of histories, the checkpoint or the domain is not right.
    """
    if (items is None) == (histories is None):
        raise ValueError("give --items for one user, or --histories FILE.jsonl for many")
    if times is not None and items is None:
        raise ValueError("--times goes with --items; a file of histories holds its own")
    if k < 1:
        raise ValueError(f"--k is {k}: ask for at least one item")
    ranker, shop = load_ranker(ckpt_path, domain)
    ids = {item: number for number, item in enumerate(shop.items, 1)}
    requests = [one_history(items, times, ids)] if items is not None else []
    if histories is not None:
        requests = list(read_histories(histories, ids))
    _warn(requests, ranker.uses_time)
    rows = _rows(ranker, shop, requests, k, remove_history)
    _write(map(_table if format == "table" else _jsonl, rows), out)


def _warn(requests: Sequence[History], uses_time: bool) -> None:
    """Name the unknown ids, and say what is assumed of time."""
    if unknown := list(dict.fromkeys(item for request in requests for item in request.unknown)):
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        named = ", ".join(unknown[:_NAMED])
        logger.warning("%d unknown item ids are left out of the histories: %s%s", len(unknown), named, more)
    if empty := sum(not request.items for request in requests):
        logger.warning("%d histories have no item of the catalogue: nothing is recommended for them", empty)
    timeless = sum(request.times is None for request in requests)
    if timeless and uses_time:
        what = "the model uses time, but %d of %d histories have none: every gap between their events is taken as 0 s"
        logger.warning(what, timeless, len(requests))
    if timeless < len(requests) and not uses_time:
        logger.warning("the model does not use time: the times given change nothing")


def _rows(
    ranker: Ranker, shop: Domain, requests: Sequence[History], k: int, remove_history: bool
) -> Iterator[dict[str, Any]]:
    """One output row a request, in order."""
    titles = shop.titles()
    for start in range(0, len(requests), ranker.batch_size):
        batch = requests[start : start + ranker.batch_size]
        for request, best in zip(batch, ranker.top(batch, k, remove_history), strict=True):
            items = [
                {"item": shop.items[number - 1], "title": titles[number - 1], "score": score} for number, score in best
            ]
            yield {"user": request.user, "items": items, "unknown": request.unknown}


def _jsonl(row: dict[str, Any]) -> bytes:
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _table(row: dict[str, Any]) -> bytes:
    """Headed by the user and the unknown ids, where there are any."""
    head = [f"user {row['user']}"] if row["user"] is not None else []
    head += [f"unknown: {', '.join(row['unknown'])}"] if row["unknown"] else []
    cells = [
        (str(rank), found["item"], found["title"][:_TITLE], f"{found['score']:.4f}")
        for rank, found in enumerate(row["items"], 1)
    ]
    names, align = ["rank", "item", "title", "score"], ["right", "left", "left", "right"]
    table = tabulate(cells, names, disable_numparse=True, colalign=align) if cells else "nothing to recommend"
    return "\n".join([*head, table, "", ""]).encode()


def _write(texts: Iterable[bytes], out: Path | None) -> None:
    if out is None:
        for text in texts:
            sys.stdout.buffer.write(text)
        sys.stdout.flush()
        return
    with atomic_file(out) as part, part.open("wb") as file:
        file.writelines(texts)
    logger.info("recommendations: %s", out)
