"""The published prefix files: rows of one user, each a prefix of the next, stand for one history."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np

from data.errors import bad
from data.rows import Ints, Rows, read_rows
from data.store import SequenceStore

_AGAIN = "Prepare the domain again, or take all files from one source"


def longest_prefixes(path: Path, blocks: Iterable[Rows]) -> Iterator[Rows]:
    """Of consecutive rows of one user, each a prefix of the next, the last one."""
    held: Rows | None = None
    for block in blocks:
        rows = block if held is None else _join(held, block)
        more = rows.users[:-1] == rows.users[1:]
        shorter = np.flatnonzero(more)
        _check_extends(path, rows, shorter)
        done = np.append(~more, False)  # the last row may go on in the next block
        yield rows.take(done)
        held = rows.take(np.arange(len(rows.users)) == len(rows.users) - 1)
    if held is not None:
        yield held


def check_users(path: Path, histories: Iterable[Rows], store: SequenceStore) -> None:
    """One sequence a user; ``histories``, which the store was made from, tell the line of the second."""
    users, first = np.unique(store.users, return_index=True)
    if len(users) == len(store):
        return
    again = np.setdiff1d(np.arange(len(store)), first)[0]
    line = next(islice(chain.from_iterable(rows.lines.tolist() for rows in histories), int(again), None))
    raise bad(path, f"user {store.users[again]} had rows further up; one user is one history", _AGAIN, line)


def _check_extends(path: Path, rows: Rows, shorter: Ints) -> None:
    lengths = rows.lengths
    row, position = _spread(lengths[shorter])
    ours = rows.offsets[shorter][row] + position
    fits = position < lengths[shorter + 1][row]
    theirs = np.where(fits, rows.offsets[shorter + 1][row] + position, 0)
    same = fits & (rows.items[ours] == rows.items[theirs]) & (rows.timestamps[ours] == rows.timestamps[theirs])
    if not same.all():
        line = int(rows.lines[shorter[row[int((~same).argmax())]] + 1])
        raise bad(path, "the row does not begin with the row before it, of the same user", _AGAIN, line)


def check_prefixes(path: Path, n_items: int, store: SequenceStore, shortest: Ints, longest: Ints) -> None:
    """Every prefix from ``shortest (S,)`` to ``longest (S,)`` events, once, and nothing else."""
    order = np.argsort(store.users, kind="stable")
    found = np.zeros(len(store), np.int64)
    stood = np.zeros(len(store.items), bool)  # whether the prefix that ends with the event was there
    for rows in read_rows(path, n_items) if path.stat().st_size else ():
        place = np.searchsorted(store.users, rows.users, sorter=order).clip(max=len(store) - 1)
        sequence = order[place]
        lengths = rows.lengths
        good = (store.users[sequence] == rows.users) & (lengths >= shortest[sequence]) & (lengths <= longest[sequence])
        row, position = _spread(np.where(good, lengths, 0))
        ours, theirs = rows.offsets[row] + position, store.offsets[sequence][row] + position
        differ = (rows.items[ours] != store.items[theirs]) | (rows.timestamps[ours] != store.timestamps[theirs])
        good[row[differ]] = False
        if not good.all():
            line = int(rows.lines[int((~good).argmax())])
            raise bad(
                path,
                "the row is not a prefix that leave-one-out makes of test_seq.jsonl's history",
                _AGAIN,
                line,
            )
        last = store.offsets[sequence] + lengths - 1
        once = np.zeros(len(last), bool)
        once[np.unique(last, return_index=True)[1]] = True
        if (doubled := stood[last] | ~once).any():
            raise bad(path, "the row stands further up already", _AGAIN, int(rows.lines[int(doubled.argmax())]))
        stood[last] = True
        np.add.at(found, sequence, 1)
    expected = (longest - shortest + 1).clip(min=0)
    if (found != expected).any():
        worst = int((found != expected).argmax())
        what = f"user {store.users[worst]} has {found[worst]} rows where leave-one-out makes {expected[worst]}"
        raise bad(path, what, _AGAIN)


def _spread(lengths: Ints) -> tuple[Ints, Ints]:
    """Row number and position within the row of every event of rows with these lengths."""
    row = np.repeat(np.arange(len(lengths)), lengths)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _join(first: Rows, second: Rows) -> Rows:
    return Rows(
        np.concatenate([first.lines, second.lines]),
        np.concatenate([first.users, second.users]),
        np.concatenate([first.offsets, second.offsets[1:] + first.offsets[-1]]),
        np.concatenate([first.items, second.items]),
        np.concatenate([first.timestamps, second.timestamps]),
    )
