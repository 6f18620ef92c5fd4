from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.parse_rows import parse_plain
from data.rows import Rows, read_rows

GOOD = "[0, [[1, 5], [3, 5], [2, 9]]]"
HISTORIES = st.lists(
    st.tuples(st.integers(0, 2**63 - 1), st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2**62)), min_size=1)),
    min_size=1,
    max_size=12,
)


def write(folder: Path, *lines: str) -> Path:
    path = folder / "histories.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def as_lists(rows: Rows) -> list[tuple[int, int, list[tuple[int, int]]]]:
    events = list(zip(rows.items.tolist(), rows.timestamps.tolist(), strict=True))
    spans = zip(rows.offsets[:-1].tolist(), rows.offsets[1:].tolist(), strict=True)
    lines, users = rows.lines.tolist(), rows.users.tolist()
    return [(line, user, events[a:b]) for line, user, (a, b) in zip(lines, users, spans, strict=True)]


WRONG = {
    "{broken": "malformed line",
    '{"user": 1}': "is not \\[user",
    "7": "is not \\[user",
    "[1]": "is not \\[user",
    "[1, [[1, 5]], 3]": "is not \\[user",
    '["1", [[1, 5]]]': "is not \\[user",
    "[1.0, [[1, 5]]]": "is not \\[user",
    "[true, [[1, 5]]]": "is not \\[user",
    "[null, [[1, 5]]]": "is not \\[user",
    "[1, 5]": "is not \\[user",
    '[1, {"1": 5}]': "is not \\[user",
    "[-1, [[1, 5]]]": "ids from 0",
    "[9223372036854775808, [[1, 5]]]": "does not fit 64 bits",
    "[1, []]": "has 0 events",
    "[1, [[2, 3]4, [3, 6]]]": "malformed line",
    "[1, [[2, 3], 4[3, 6]]]": "malformed line",
    "[1, [[2 3, 4]]]": "malformed line",
    "[1, [[2, 03]]]": "malformed line",
    "[01, [[2, 3]]]": "malformed line",
    "[1, [[2, ]]]": "malformed line",
    "[, [[2, 3]]]": "malformed line",
    "1[, [[2, 3]]]": "malformed line",
    "[1, [2 [, 3]]]": "malformed line",
    "[1, [[2, ]3]]": "malformed line",
    "[1, [2, [3], [2, 3]]]": "is not \\[item id, timestamp",
    "[1, [[2, 3]\0]]": "malformed line",
    "[1, [[2, 3]]] [2, [[1, 1]]]": "malformed line",
    "[1, [[2, 3]": "malformed line",
    "[1, [[1, 5, 6]]]": "is not \\[item id, timestamp",
    "[1, [[1, 5], [2]]]": "is not \\[item id, timestamp",
    "[1, [1, 5]]": "is not \\[item id, timestamp",
    '[1, ["15"]]': "is not \\[item id, timestamp",
    "[1, [null]]": "is not \\[item id, timestamp",
    "[1, [[1, null]]]": "is not \\[item id, timestamp",
    '[1, [{"1": 5}]]': "is not \\[item id, timestamp",
    "[1, [[1, [5]]]]": "is not \\[item id, timestamp",
    "[1, [[[1, 5], [2, 6]]]]": "is not \\[item id, timestamp",
    "[1, [[1, 5.0]]]": "whole seconds",
    "[1, [[1, 5.5], [2, 6]]]": "whole seconds",
    '[1, [[1, "5"]]]': "whole seconds",
    '[1, [["1", 5]]]': "whole seconds",
    "[1, [[1.0, 5]]]": "whole seconds",
    "[1, [[true, 5]]]": "whole seconds",
    "[1, [[2, 0], [2, true]]]": "whole seconds",
    "[1, [[2, 0], [2, 18446744073709551615]]]": "does not fit 64 bits",
    "[1, [[9223372036854775808, 0]]]": "does not fit 64 bits",
    "[1, [[2, 0], [2, 18446744073709551616]]]": "whole seconds",
    "[1, [[0, 5]]]": "outside 1 … 3 of item2id.jsonl",
    "[1, [[-2, 5]]]": "outside 1 … 3",
    "[1, [[3, 5], [4, 5]]]": "outside 1 … 3",
    "[1, [[1, 5], [2, 6], [3, 5]]]": "go backwards",
    "[1, [[1, -5]]]": "negative",
    "[1, [[1, -5], [1, 9223372036854775807]]]": "negative",
}


@pytest.mark.parametrize("block", [1, 4, 100])
@pytest.mark.parametrize(("line", "what"), WRONG.items())
def test_wrong_line_is_named(tmp_path: Path, line: str, what: str, block: int) -> None:
    path = write(tmp_path, GOOD, "", GOOD, line, GOOD)
    with pytest.raises(ValueError, match=what) as told:
        list(read_rows(path, 3, block))
    assert str(told.value).startswith(f"{path}:4: "), "file and line, blank lines counted"
    assert "\n" not in str(told.value) and "Mend the line" in str(told.value)


def test_time_may_go_back_from_one_row_to_the_next(tmp_path: Path) -> None:
    path = write(tmp_path, "[0, [[1, 9]]]", "[1, [[1, 3], [2, 3]]]", "[2, [[1, 0]]]")
    assert [user for rows in read_rows(path, 2) for user in rows.users] == [0, 1, 2]


@pytest.mark.parametrize(("content", "what"), [(None, "no such file"), (b"", "empty")])
def test_missing_and_empty_file(tmp_path: Path, content: bytes | None, what: str) -> None:
    path = tmp_path / "histories.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=what):
        list(read_rows(path, 3))


@settings(deadline=None, max_examples=50)
@given(histories=HISTORIES, block=st.sampled_from([1, 2, 3, 7, 1 << 18]))
def test_blocks_hold_what_was_written(tmp_path_factory: pytest.TempPathFactory, histories: object, block: int) -> None:
    told = [(user, sorted(pairs, key=lambda pair: pair[1])) for user, pairs in histories]  # type: ignore[attr-defined]
    path = tmp_path_factory.getbasetemp() / "rows.jsonl"
    lines = list(map(orjson.dumps, told))
    path.write_bytes(b"\n".join(lines))
    blocks = list(read_rows(path, 9, block))
    assert [row for rows in blocks for row in as_lists(rows)] == [(n, *row) for n, row in enumerate(told, 1)]
    sizes = [[len(lines[number - 1]) + 1 for number in rows.lines.tolist()] for rows in blocks]
    assert all(sum(size[:-1]) < block for size in sizes), "a block ends with the row that fills it"
    assert all(sum(size) >= block for size in sizes[:-1]), "and not before"
    for rows in blocks:
        for column in (rows.lines, rows.users, rows.offsets, rows.items, rows.timestamps):
            assert column.dtype == np.int64


SPACED = ["[7,[[1,5],[3,5]]]", "[0, [[1, 0]]]", " [ 9\t,\t[ [ 2 , 8 ] ] ]\r", "[10,[[3,100],[1,100],[1,200]]]"]


@pytest.mark.parametrize("end", ["\n", ""])
def test_any_white_space_is_read_at_once_and_as_line_by_line(tmp_path: Path, end: str) -> None:
    text = "\n".join(SPACED) + end
    plain = parse_plain(text.encode())
    assert plain is not None
    assert plain.users.tolist() == [7, 0, 9, 10] and plain.lengths.tolist() == [2, 1, 1, 3]
    assert plain.pairs.tolist() == [[1, 5], [3, 5], [1, 0], [2, 8], [3, 100], [1, 100], [1, 200]]
    assert parse_plain(f"\n{text}".encode()) is None, "a blank line has line by line reading"
    for name, content in {"plain": text, "blank": f"\n{text}\n \n"}.items():
        (tmp_path / name).write_text(content)
    (at_once,), (each,) = (read_rows(tmp_path / name, 3) for name in ("plain", "blank"))
    assert [row[1:] for row in as_lists(at_once)] == [row[1:] for row in as_lists(each)]
    assert each.lines.tolist() == [2, 3, 4, 5], "blank lines count"


def test_take_keeps_rows_with_their_events(tmp_path: Path) -> None:
    path = write(tmp_path, "[0, [[1, 9]]]", "[1, [[1, 3], [2, 4]]]", "[2, [[3, 0]]]")
    (rows,) = read_rows(path, 3)
    assert as_lists(rows.take(np.array([False, True, True]))) == [(2, 1, [(1, 3), (2, 4)]), (3, 2, [(3, 0)])]
    assert as_lists(rows.take(np.array([False, False, False]))) == []
