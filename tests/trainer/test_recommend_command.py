import logging
import sys
from pathlib import Path

import orjson
import pytest
from small_shop import ITEMS, write_checkpoint, write_lines, write_shop

import recommend as command
from trainer.recommend import recommend


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "x.ckpt", write_shop(tmp_path / "Shop"))
    return tmp_path / "x.ckpt"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["recommend.py", *map(str, arguments)])
    command.main()


def test_a_table_has_raw_ids_titles_and_scores(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "--ckpt_path", checkpoint, "--items", "[B001, B002]", "--times", "[1, 2]", "--k", 2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["rank", "item", "title", "score"]
    rank, item, *title, score = lines[2].split()
    assert rank == "1"
    assert item in ITEMS
    assert " ".join(title) == f"Title of {item}"
    assert float(score)
    assert len([line for line in lines if "Title of" in line]) == 2


def test_jsonl_of_a_file_answers_each_row_in_order(checkpoint: Path, tmp_path: Path) -> None:
    rows = [{"user": "u1", "items": ["B001", "X", "B005"]}, {"items": ["X", "Y"], "user": "u2"}, {"items": []}]
    histories, out = write_lines(tmp_path / "h.jsonl", rows), tmp_path / "new/out.jsonl"
    recommend(checkpoint, histories=histories, k=99, remove_history=True, format="jsonl", out=out)
    found = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert [(row["user"], row["unknown"]) for row in found] == [("u1", ["X"]), ("u2", ["X", "Y"]), (None, [])]
    assert [len(row["items"]) for row in found] == [7, 0, 0]
    first = found[0]["items"]
    assert all(row["title"] == f"Title of {row['item']}" for row in first)
    assert not {"B001", "B005"} & {row["item"] for row in first}
    assert [row["score"] for row in first] == sorted((row["score"] for row in first), reverse=True)
    again = tmp_path / "again.jsonl"
    recommend(checkpoint, histories=histories, k=99, remove_history=True, format="jsonl", out=again)
    assert again.read_bytes() == out.read_bytes()


def test_a_table_of_a_file_names_users_and_unknown_ids(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"user": "u1", "items": ["B001", "X"]}, {"items": ["Y"]}]
    recommend(checkpoint, histories=write_lines(tmp_path / "h.jsonl", rows), k=1)
    text = capsys.readouterr().out
    assert text.startswith("user u1\nunknown: X\n")
    assert text.endswith("unknown: Y\nnothing to recommend\n\n")


def test_what_is_assumed_is_said(checkpoint: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    recommend(checkpoint, items="[B001, B002]", times=[1, 2], out=tmp_path / "out")
    assert caplog.text == ""
    recommend(checkpoint, items="[B001, X9, B002]", out=tmp_path / "out")
    assert "1 of 1 histories have none: every gap" in caplog.text
    assert "1 unknown item ids are left out of the histories: X9" in caplog.text
    caplog.clear()
    write_checkpoint(checkpoint, tmp_path / "Shop", time=False)
    recommend(checkpoint, items="[B001]", out=tmp_path / "out")
    assert caplog.text == ""
    recommend(checkpoint, items="[B001]", times=[5], out=tmp_path / "out")
    assert "does not use time" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --items for one user, or --histories"),
        (["--items", "B001", "--histories", "h.jsonl"], "give --items for one user, or --histories"),
        (["--histories", "h.jsonl", "--times", "[1]"], "--times goes with --items"),
        (["--items", "B001", "--k", "0"], "--k is 0"),
        (["--items", "B001", "--itms", "x"], "unrecognized arguments: --itms"),
        (["--items", "B001", "--times", "[1.5]"], "times"),
        (["--items", "X"], "none of X"),
    ],
)
def test_wrong_arguments_are_bad_input(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run(monkeypatch, "--ckpt_path", checkpoint, *arguments)


def test_a_bad_row_leaves_no_half_written_output(checkpoint: Path, tmp_path: Path) -> None:
    histories = write_lines(tmp_path / "h.jsonl", [{"items": ["B001"]}, {"items": 1}])
    (tmp_path / "out").write_text("before")
    with pytest.raises(ValueError, match=r"h\.jsonl:2"):
        recommend(checkpoint, histories=histories, out=tmp_path / "out")
    assert (tmp_path / "out").read_text() == "before"
    assert not list(tmp_path.glob("*.part"))
