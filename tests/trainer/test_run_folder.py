"""Run folders are unique, their logs kept, their metrics never overwritten."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import trainer.run_folder
from trainer.run_folder import keep_metrics, log_to, new_folder


def test_runs_that_start_together_get_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer.run_folder.time, "sleep", lambda _: None)
    seconds = iter(["10-00-00", "10-00-00", "10-00-00", "10-00-00", "10-00-01"])

    class Clock:
        @classmethod
        def now(cls) -> "Clock":
            return cls()

        def strftime(self, _: str) -> str:
            return f"2026-01-01_{next(seconds)}"

    monkeypatch.setattr(trainer.run_folder, "datetime", Clock)
    first, second = new_folder(tmp_path, "Model", "Shop"), new_folder(tmp_path, "Model", "Shop")
    assert first == tmp_path / "Model/Shop/2026-01-01_10-00-00" and second.name.endswith("10-00-01")
    assert first.is_dir() and second.is_dir()


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    yield root
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = handlers, level


def test_lines_go_to_the_log_and_a_resumed_run_appends(
    tmp_path: Path, root_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in ("first", "second"):
        log_to(tmp_path / "run")
        logging.getLogger("trainer.somewhere").info(line)
    text = (tmp_path / "run/output.log").read_text()
    assert [line.split(" ", 1)[1] for line in text.splitlines()] == ["first", "second"]
    assert "first" in capsys.readouterr().out


def test_metrics_of_the_run_before_are_kept(tmp_path: Path) -> None:
    keep_metrics(tmp_path)
    for number in (1, 2):
        (tmp_path / "metrics.csv").write_text(f"run {number}")
        keep_metrics(tmp_path)
        assert not (tmp_path / "metrics.csv").exists()
    assert [(tmp_path / f"metrics.{n}.csv").read_text() for n in (1, 2)] == ["run 1", "run 2"]
