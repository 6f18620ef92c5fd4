import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from trainer import report as command
from trainer.finished_run import read_run
from trainer.report import report

HEAD = "epoch,step,train/loss_epoch,val/ndcg@10\n"


def write_run(
    folder: Path,
    curve: list[float],
    best: int | None = None,
    backbone: str | None = None,
    domain: str = "data/Tea",
    seed: int = 1,
    **changes: Any,
) -> Path:
    """What main.py leaves; the steps' own rows have no validation in them."""
    folder.mkdir(parents=True)
    metrics = {f"{stage}/{name}": 0.1 for stage in ("test", "test_removed") for name in ("hit@10", "ndcg@10")}
    best = best or (curve.index(max(curve)) + 1 if curve else 0)
    result = {"metrics": metrics, "epochs_to_best": best, "seconds_to_best": 2.5 * best, "seconds": 30.25}
    result |= {"seed": seed, "backbone": backbone, "parameters": 12, "best_val": max(curve, default=None)} | changes
    (folder / "test.json").write_text(json.dumps(result))
    (folder / "config.yaml").write_text(yaml.safe_dump({"monitor": "val/ndcg@10", "data": {"domain": domain}}))
    rows = [f",{epoch},,\n{epoch},{epoch},0.5,{value}\n" for epoch, value in enumerate(curve)]
    (folder / "metrics.csv").write_text(HEAD + "".join(rows) + "9,9,,\n")
    return folder


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def test_a_row_a_run_and_a_picture_beside_them(tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    runs = [
        write_run(tmp_path / "scratch", [0.01, 0.0523, 0.04]),
        write_run(tmp_path / "transfer", [0.06], backbone="pre.ckpt"),
    ]
    report(runs)
    rows = [line.split() for line in said.messages[0].splitlines()]
    assert ["scratch", "scratch", *["0.1000"] * 4, "0.0523", "2", "5.0", "30.2"] in rows
    assert ["transfer", "backbone", *["0.1000"] * 4, "0.0600", "1", "2.5", "30.2"] in rows
    assert (tmp_path / "validation.png").read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path / "validation.png") in said.text


def test_the_picture_goes_where_it_is_sent(tmp_path: Path) -> None:
    report([write_run(tmp_path / "a/scratch", [0.1])], tmp_path / "new/picture.png")
    assert (tmp_path / "new/picture.png").is_file()
    assert not (tmp_path / "a/validation.png").exists()


@pytest.mark.parametrize(
    ("scratch", "transfer", "says"),
    [
        ([0.1, 0.2, 0.3], [0.3, 0.4], "reached it in epoch 1, .*0.4000 .+0.1000, .33.3%.*fewer epochs and to a higher"),
        ([0.1, 0.2, 0.3], [0.2, 0.3], r"reached it in epoch 2, .*\(.0.0000.*helped, in fewer epochs\.$"),
        ([0.3, 0.2], [0.1, 0.4], "reached it in epoch 2, .*to a higher best, but not in fewer epochs"),
        ([0.1, 0.3], [0.2, 0.25, 0.1], "never reached it in 3 epochs, .*-0.0500, -16.7%.*transfer did not help"),
        ([0.1, 0.3], [0.1, 0.2, 0.3], "reached it in epoch 3, .*transfer did not help"),
        ([0.0], [0.1], r"\(.0\.1000\)"),
    ],
)
def test_the_sentence_is_honest_in_both_directions(
    tmp_path: Path, said: pytest.LogCaptureFixture, scratch: list[float], transfer: list[float], says: str
) -> None:
    runs = [write_run(tmp_path / "b", transfer, backbone="x", seed=2), write_run(tmp_path / "a", scratch)]
    report(runs)
    [sentence] = [message for message in said.messages if "from scratch the best" in message]
    assert sentence.startswith("Tea, b against a: ")
    assert re.search(says, sentence)


def test_only_runs_of_one_domain_are_compared(tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    report([write_run(tmp_path / "a", [0.1]), write_run(tmp_path / "b", [0.2], backbone="x", domain="other/Tea")])
    assert "from scratch the best" not in said.text


def test_several_seeds_are_paired_and_averaged(tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    runs = [write_run(tmp_path / f"s{seed}", [0.2], seed=seed) for seed in (1, 2)]
    runs += [write_run(tmp_path / f"t{seed}", [best], backbone="x", seed=seed) for seed, best in ((2, 0.1), (1, 0.4))]
    report(runs)
    assert "t1 against s1" in said.text
    assert "t2 against s2" in said.text
    assert "t1 against s2" not in said.text
    assert "mean of 2 pairs: best validation NDCG@10 +0.0500 (higher in 1)" in said.text


def test_a_resumed_run_is_one_curve(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", [0.1], best=3)
    (run / "metrics.csv").rename(run / "metrics.1.csv")
    (run / "metrics.2.csv").write_text(f"{HEAD}1,1,,0.2\n2,2,,0.9\n")
    (run / "metrics.csv").write_text(f"{HEAD}2,2,,0.3\n")  # epoch 3 again, from the checkpoint before it
    assert read_run(run).curve == {1: 0.1, 2: 0.2, 3: 0.3}


def test_a_run_of_test_py_has_no_epochs(tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    run = write_run(tmp_path / "a", [], best_val=None)
    report([run])
    assert said.messages[0].splitlines()[-1].split() == ["a", "tested", "only", *["0.1000"] * 4]
    assert not (tmp_path / "validation.png").exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("test.json", None, "no test.json: it is not finished"),
        ("test.json", "{", "test.json: malformed"),
        ("test.json", "[]", "test.json: holds no number under epochs_to_best"),
        ("test.json", '{"metrics": {}}', "holds no number under .*test/hit@10"),
        ("config.yaml", None, "no config.yaml"),
        ("config.yaml", "a: [", "config.yaml:.* is not yaml"),
        ("config.yaml", "data: 1", "no data.domain"),
        ("metrics.csv", None, "no metrics.csv"),
        ("metrics.csv", f"{HEAD}x,1,,0.2\n", "metrics.csv:2: epoch 'x'"),
        ("metrics.csv", f"{HEAD}5,1,,0.2\n", "metrics.csv: has no val/ndcg@10 of epoch 1"),
    ],
)
def test_a_broken_run_folder_is_refused(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    run = write_run(tmp_path / "a", [0.1])
    (run / name).unlink()
    if text is not None:
        (run / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        report([run])
    assert not (tmp_path / "validation.png").exists()


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture) -> None:
    run = write_run(tmp_path / "a", [0.1])
    monkeypatch.setattr(sys, "argv", ["report", str(run), str(tmp_path / "none"), "--out", str(tmp_path / "x.png")])
    with pytest.raises(ValueError, match="none: there is no such run folder"):
        command.main()
