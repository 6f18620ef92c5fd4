import gzip
from pathlib import Path

import pytest

from data.raw.jsonl import read_jsonl, write_jsonl


def test_round_trip_with_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert write_jsonl(path, [["é", 1], {"a": None}]) == 2
    assert path.read_bytes() == '["é",1]\n{"a":null}\n'.encode()
    assert list(read_jsonl(path)) == [(1, ["é", 1]), (2, {"a": None})]


def test_blank_lines_count_but_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.json.gz"
    path.write_bytes(gzip.compress(b"1\n\n  \n2"))
    assert list(read_jsonl(path)) == [(1, 1), (4, 2)]


def test_malformed_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": \n')
    with pytest.raises(ValueError, match=r"rows\.jsonl:2: malformed line .*Mend the line"):
        list(read_jsonl(path))


def test_truncated_gz_after_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.json.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n')[:-8])  # only the checksum is cut: every line reads well
    with pytest.raises(ValueError, match=r"rows\.json\.gz: the gz file is cut short, behind line \d\. Download"):
        list(read_jsonl(path))


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"plain text\n", "damaged"), (b"", "empty"), (gzip.compress(b""), "empty")],
    ids=["plain", "nothing", "gz of nothing"],  # a gz file holds the time: workers would name the test differently
)
def test_not_gz_or_empty(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "rows.json.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=told):
        list(read_jsonl(path))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such file"):
        list(read_jsonl(tmp_path / "none.jsonl"))


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [1])
    with pytest.raises(TypeError):
        write_jsonl(path, [2, object()])
    assert path.read_bytes() == b"1\n"
    assert list(tmp_path.iterdir()) == [path]
