"""History files that are malformed, or at odds with one another, are refused with file and line."""

from pathlib import Path

import pytest

from data.build_store import open_store

TEST = ["[0, [[1, 1], [2, 2], [3, 3], [4, 4], [5, 5]]]", "[1, [[5, 1], [4, 2], [3, 3]]]", "[2, [[1, 1], [1, 2]]]"]
EVAL = ["[0, [[1, 1], [2, 2], [3, 3], [4, 4]]]", "[1, [[5, 1], [4, 2]]]"]
TRAIN = ["[0, [[1, 1], [2, 2]]]", "[0, [[1, 1], [2, 2], [3, 3]]]"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def domain(folder: Path, **files: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, lines in {"test": TEST, "eval": EVAL, "train": TRAIN, **files}.items():
        (folder / f"{name}_seq.jsonl").write_text("".join(line + "\n" for line in lines))
    return folder


def changed(lines: list[str], at: int, *new: str) -> list[str]:
    return [*lines[:at], *new, *lines[at + 1 :]]


def test_the_files_as_they_are_load(tmp_path: Path) -> None:
    assert open_store(domain(tmp_path / "as is"), 5).lengths.tolist() == [5, 3, 2]
    backwards = domain(tmp_path / "order", eval=EVAL[::-1], train=TRAIN[::-1])
    assert len(open_store(backwards, 5)) == 3, "the order of prefixes is free"


PREFIX = "is not a prefix that leave-one-out makes"
WRONG = {
    "train: other item": ("train", changed(TRAIN, 1, "[0, [[1, 1], [2, 2], [4, 3]]]"), 2, PREFIX),
    "train: other time": ("train", changed(TRAIN, 1, "[0, [[1, 1], [2, 2], [3, 4]]]"), 2, PREFIX),
    "train: the validation label": ("train", [*TRAIN, EVAL[0]], 3, PREFIX),
    "train: longer than the history": ("train", [*TRAIN, TEST[0].replace("]]]", "], [1, 9], [1, 9]]]")], 3, PREFIX),
    "train: one event": ("train", ["[0, [[1, 1]]]", *TRAIN], 1, PREFIX),
    "train: unknown user": ("train", [*TRAIN, "[9, [[1, 1], [2, 2]]]"], 3, PREFIX),
    "train: of another user": ("train", [*TRAIN, "[1, [[1, 1], [2, 2]]]"], 3, PREFIX),
    "train: doubled": ("train", [*TRAIN, TRAIN[0]], 3, "stands further up already"),
    "train: doubled for one missing": ("train", [TRAIN[0], TRAIN[0]], 2, "stands further up already"),
    "train: missing": ("train", TRAIN[:1], None, "user 0 has 1 rows where leave-one-out makes 2"),
    "train: empty": ("train", [], None, "user 0 has 0 rows where leave-one-out makes 2"),
    "train: id": ("train", changed(TRAIN, 1, "[0, [[1, 1], [2, 2], [6, 3]]]"), 2, "outside 1 … 5"),
    "eval: other item": ("eval", changed(EVAL, 1, "[1, [[5, 1], [3, 2]]]"), 2, PREFIX),
    "eval: whole history": ("eval", changed(EVAL, 1, TEST[1]), 2, PREFIX),
    "eval: too short": ("eval", changed(EVAL, 0, TRAIN[1]), 1, PREFIX),
    "eval: unknown user": ("eval", [*EVAL, "[9, [[1, 1], [2, 2]]]"], 3, PREFIX),
    "eval: of a history of two": ("eval", [*EVAL, "[2, [[1, 1]]]"], 3, PREFIX),
    "eval: doubled": ("eval", [EVAL[0], EVAL[1], EVAL[1]], 3, "stands further up already"),
    "eval: missing": ("eval", EVAL[:1], None, "user 1 has 0 rows where leave-one-out makes 1"),
    "eval: malformed": ("eval", changed(EVAL, 1, "[1, [[5, 1], [4"), 2, "malformed line"),
    "test: doubled user": ("test", [*TEST, TEST[1]], 4, "user 1 had rows further up"),
    "test: empty": ("test", [], None, "the file is empty"),
    "test: blank": ("test", [" ", ""], None, "holds no history"),
}


@pytest.mark.parametrize("case", WRONG)
def test_refused(tmp_path: Path, case: str) -> None:
    name, lines, line, what = WRONG[case]
    folder = domain(tmp_path / "domain", **{name: lines})
    with pytest.raises(ValueError, match=what) as told:
        open_store(folder, 5)
    place = str(folder / f"{name}_seq.jsonl") + (f":{line}: " if line else ": ")
    assert str(told.value).startswith(place)
    assert names(folder) == [".store.lock", "eval_seq.jsonl", "test_seq.jsonl", "train_seq.jsonl"]


ROWS = [
    "[0, [[1, 1], [2, 2]]]",
    "[0, [[1, 1], [2, 2], [3, 3]]]",
    "[1, [[3, 3], [2, 3]]]",
    "[1, [[3, 3], [2, 3], [1, 4]]]",
]
WRONG_PRETRAINING = {
    "not an extension": (changed(ROWS, 1, "[0, [[1, 1], [3, 2], [3, 3]]]"), 2, "does not begin with the row before it"),
    "other time": (changed(ROWS, 1, "[0, [[1, 1], [2, 3], [3, 3]]]"), 2, "does not begin with the row before it"),
    "falling": ([*ROWS[:2], ROWS[3], ROWS[2]], 4, "does not begin with the row before it"),
    "apart": ([*ROWS, ROWS[0]], 5, "user 0 had rows further up"),
    "apart, longer": ([ROWS[0], ROWS[2], ROWS[3], ROWS[1]], 4, "user 0 had rows further up"),
}


@pytest.mark.parametrize("case", WRONG_PRETRAINING)
def test_pretraining_prefixes_refused(tmp_path: Path, case: str) -> None:
    lines, line, what = WRONG_PRETRAINING[case]
    path = tmp_path / "train_seq.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=what) as told:
        open_store(tmp_path, 5)
    assert str(told.value).startswith(f"{path}:{line}: ")


def test_two_histories_of_one_user(tmp_path: Path) -> None:
    path = tmp_path / "histories.jsonl"
    path.write_text("\n".join([*TEST, "", TEST[2]]))
    with pytest.raises(ValueError, match="user 2 had rows further up") as told:
        open_store(tmp_path, 5)
    assert str(told.value).startswith(f"{path}:5: ")


def test_histories_too_short_to_train_on_have_an_empty_training_file(tmp_path: Path) -> None:
    folder = domain(tmp_path, test=TEST[1:], eval=EVAL[1:], train=[])
    assert open_store(folder, 5).lengths.tolist() == [3, 2]


def test_an_empty_pretraining_file(tmp_path: Path) -> None:
    (tmp_path / "train_seq.jsonl").touch()
    with pytest.raises(ValueError, match=r"train_seq\.jsonl: the file is empty"):
        open_store(tmp_path, 5)


@pytest.mark.parametrize("absent", ["eval_seq.jsonl", "train_seq.jsonl"])
def test_absent_file_is_named(tmp_path: Path, absent: str) -> None:
    (domain(tmp_path) / absent).unlink()
    with pytest.raises(ValueError, match=rf"has test_seq\.jsonl but not {absent}"):
        open_store(tmp_path, 5)


def test_no_history_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has neither histories"):
        open_store(tmp_path, 5)
    assert not names(tmp_path), "nothing is written"


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_malformed_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / "histories.jsonl").write_text(TEST[0])
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=r"manifest\.json: malformed"):
        open_store(tmp_path, 5)
