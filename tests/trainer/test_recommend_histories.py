from pathlib import Path
from typing import Any

import pytest
from small_shop import write_lines

from trainer.histories import History, one_history, read_histories, split_ids

IDS = {"A": 1, "B": 2, "0001": 3}


@pytest.mark.parametrize("text", ["[A, 0001]", '["A", "0001"]', "A,0001", " [ 'A' ,0001 ] "])
def test_ids_are_texts_never_numbers(text: str) -> None:
    assert split_ids(text) == ["A", "0001"]


@pytest.mark.parametrize("text", ["12E3", "[0001]", "[1]", "null"])
def test_an_id_that_looks_like_a_number_stays_as_it_is(text: str) -> None:
    assert split_ids(text) == [text.strip("[]")]


def test_unknown_items_go_with_their_times_and_are_named_once() -> None:
    history = one_history("[X, A, X, B, Y]", [1, 2, 3, 4, 5], IDS)
    assert history == History(None, [1, 2], [2, 4], ["X", "Y"])


@pytest.mark.parametrize("items", ["[]", "", "[A,,B]"])
def test_no_item_is_refused(items: str) -> None:
    with pytest.raises(ValueError, match=r"--items: .*names no item"):
        one_history(items, None, IDS)


def test_a_request_of_which_nothing_is_known_is_refused() -> None:
    with pytest.raises(ValueError, match="none of X, Y is in the catalogue of 3 items"):
        one_history("[X, Y]", None, IDS)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([1], "1 times for 2 items"),
        ([2, 1], "go backwards"),
        ([1, True], "True is not a time"),
        ([-1, 1], "-1 is not a time"),
        ([1, 1_500_000_000_000], "1500000000000 is not a time.*milliseconds"),
    ],
)
def test_wrong_times_are_refused(times: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=f"--times: .*{message}"):
        one_history("[A, B]", times, IDS)


def test_a_file_keeps_its_order_and_may_hold_rows_of_which_nothing_is_known(tmp_path: Path) -> None:
    rows = [{"user": "u", "items": ["B", "A"], "times": [5, 5]}, {"items": ["X"]}, {"items": [], "user": None}]
    found = list(read_histories(write_lines(tmp_path / "h.jsonl", rows), IDS))
    assert found == [History("u", [2, 1], [5, 5], []), History(None, [], None, ["X"]), History(None, [], None, [])]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["A"], "not a history .list"),
        ({"user": "u"}, "not a history"),
        ({"items": ["A"], "time": [1]}, "not a history .*'time'"),
        ({"items": "A"}, "not a list of item ids"),
        ({"items": [1]}, "not a list of item ids"),
        ({"items": ["A"], "user": 7}, "user 7 is not a text"),
        ({"items": ["A"], "times": [1.5]}, "1.5 is not a time"),
        ({"items": ["A"], "times": [1, 2]}, "2 times for 1 items"),
        ({"items": ["A"], "times": "1"}, "times that are a str"),
        ({"items": ["A", "B"], "times": [2, 1]}, "backwards"),
    ],
)
def test_a_wrong_row_is_refused_with_file_and_line(tmp_path: Path, row: Any, message: str) -> None:
    path = write_lines(tmp_path / "h.jsonl", [{"items": ["A"]}, row])
    with pytest.raises(ValueError, match=rf"h\.jsonl:2: .*{message}"):
        list(read_histories(path, IDS))


def test_a_line_that_is_not_json_is_refused_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text('{"items": ["A"]}\n{"items": \n')
    with pytest.raises(ValueError, match=r"h\.jsonl:2: malformed"):
        list(read_histories(path, IDS))
