"""One real run: a converted backbone, fine-tuned by main.py; then recommended from, and reported."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
import torch
from published_weights import save_published
from small_shop import ITEMS, SIZES, system_on, write_lines, write_shop

from trainer.convert import convert
from trainer.report import report

ROOT = Path(__file__).parents[2]


def python(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    torch.manual_seed(3)
    shop = write_shop(folder / "Shop")
    published = save_published(folder / "published.ckpt", system_on(shop).state_dict())
    keys = {"n_groups": 1, "max_len": SIZES["window"], "temperature": SIZES["temperature"]}
    convert(published, folder / "backbone.ckpt", write_lines(folder / "published.json", [keys]))
    sizes = {name: value for name, value in SIZES.items() if name != "window"}
    options = [part for name, value in sizes.items() for part in (f"--model.system.init_args.{name}", value)]
    options += ["--data.domain", shop, "--data.window", SIZES["window"], "--run_dir", folder / "run"]
    done = python(
        "main.py",
        "--config",
        "configs/finetune/published.yaml",
        *options,
        "--trainer.max_epochs",
        2,
        "--backbone",
        folder / "backbone.ckpt",
    )
    assert done.returncode == 0, done.stderr
    return folder / "run"


def test_the_converted_backbone_transferred(run: Path) -> None:
    log = (run / "output.log").read_text()
    assert "2 new (item-bound)" in log
    assert "new (asked for)" not in log


def test_recommend_needs_nothing_but_the_checkpoint(run: Path) -> None:
    done = python("recommend.py", "--ckpt_path", run / "best.ckpt", "--items", "[B001, X]", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    row = orjson.loads(done.stdout)  # the log is not on stdout
    assert sorted(found["item"] for found in row["items"]) == ITEMS
    assert row["unknown"] == ["X"]
    assert "X" in done.stderr
    assert "every gap" in done.stderr


def test_bad_input_exits_2_with_one_message(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["recommend.py", "--ckpt_path", str(run / "best.ckpt"), "--items", "[X]"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as exit:
        runpy.run_path(str(ROOT / "recommend.py"), run_name="__main__")
    assert exit.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: --items: none of X")


def test_the_run_reports(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    report([run])
    assert "backbone" in caplog.messages[0]
    assert (run.parent / "validation.png").is_file()
