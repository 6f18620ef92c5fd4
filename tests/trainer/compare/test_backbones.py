"""Comparisons with backbones and shares of the users, over stand-ins for main.py and pretrain.py."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.compare.settings import FACTS, shares_comparison
from tests.trainer.compare.test_compare import log, notes, table  # noqa: F401 — a fixture
from trainer.compare import Settings, compare
from trainer.compare import backbones as parsed
from trainer.compare.settings import BackboneSettings


def read(settings: Settings) -> dict[str, Any]:
    return dict(json.loads((settings.out / "result.json").read_bytes()))


def test_a_backbone_is_pretrained_once_and_every_run_starts_from_it(tmp_path: Path, log: Path) -> None:  # noqa: F811
    settings = shares_comparison(tmp_path)
    assert compare(settings, **FACTS)
    started = notes(log, "start")
    pretraining = str(tmp_path / "out/backbones/before/seed-5")
    assert started.count(pretraining) == 1 and len(started) == 1 + 1 + 2 + 2
    for domain in ("none", "half", "whole"):
        told = json.loads((tmp_path / f"out/{domain}/transferred/entry.json").read_text())["arguments"]
        assert f"--backbone={pretraining}/best.ckpt" in told
        assert ("--trainer.max_epochs=0" in told) == (domain == "none")
        assert ("--data.user_share=0.5" in told) == (domain == "half")
    assert "--backbone" not in (tmp_path / "out/whole/scratch/entry.json").read_text()

    result, text = read(settings), (settings.out / "result.md").read_text()
    backbone = result["backbones"]["before"]
    assert backbone["seconds"] == 12.5 and backbone["error"] is None
    assert "pretrain.py --config=" in backbone["command"] and backbone["command"] in text
    assert "Backbone before, on Others, best epoch 3, 12.5 s" in text
    assert (settings.out / "shares.svg").is_file()
    assert [domain["share"] for domain in result["domains"].values()] == [0, 0.5, 1]

    ran, first, picture = log.read_text(), table(settings.out), (settings.out / "shares.svg").read_bytes()
    assert compare(settings, **FACTS)
    assert log.read_text() == ran and table(settings.out) == first
    assert (settings.out / "shares.svg").read_bytes() == picture
    shows_where_it_was_asked(result["domains"], text)


def shows_where_it_was_asked(domains: dict[str, Any], text: str) -> None:
    assert list(domains["none"]["models"]) == ["transferred"] and len(domains["half"]["models"]) == 2
    assert "against_reference" not in domains["none"]["models"]["transferred"]
    assert "against_reference" in domains["half"]["models"]["transferred"]
    none, half = (text.split(f"\n## {name}\n")[1].split("\n## ")[0] for name in ("none", "half"))
    assert "Not asked here: scratch." in none and "Not asked" not in half
    assert "No differences: the reference, scratch, has no result here." in none and "No differences" not in half
    assert "Here trainer.max_epochs = 0." in none and "Here data.user_share = 0.5." in half
    assert domains["none"]["models"]["transferred"]["best_epochs"] == [None] and "| 0 " in none


def test_the_picture_shows_the_reading_that_decides(tmp_path: Path, log: Path) -> None:  # noqa: F811
    settings = shares_comparison(tmp_path)
    settings.domains["half"].options["monitor"] = "val/hit@10"
    compare(settings, **FACTS)
    text = (settings.out / "result.svg").read_text()
    assert text.count("<!-- test NDCG@10, history removed -->") == 2
    assert text.count("<!-- test NDCG@10, as published -->") == 1


@pytest.mark.parametrize(("switch", "says"), [("broken", "the shops are closed"), ("killed", "killed by signal 9")])
def test_a_backbone_that_fails_fails_its_models_alone(
    switch: str,
    says: str,
    tmp_path: Path,
    log: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = shares_comparison(tmp_path)
    broken = BackboneSettings(settings.backbones["before"].configs, settings.backbones["before"].options)
    broken.options[switch] = True
    parse = parsed.parse
    monkeypatch.setattr(
        parsed,
        "parse",
        lambda place, words, command: parse(place, [w for w in words if w != f"--{switch}=true"], command),
    )
    settings.backbones["before"] = broken
    assert not compare(settings, **FACTS)
    domains = read(settings)["domains"]
    for domain in domains.values():
        assert domain["models"].pop("transferred")["error"].startswith("backbone before: ")
        assert all(model["error"] is None for model in domain["models"].values())
    text = (settings.out / "result.md").read_text()
    assert text.count(says) == 3 and "No differences" in text
    ran = len(notes(log, "start"))
    assert not compare(settings, **FACTS)
    assert len(notes(log, "start")) == ran + 1, "only the backbone is tried again"


def test_what_starts_from_scratch_does_not_wait_for_a_backbone(
    tmp_path: Path,
    log: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With two jobs; what needs the backbone would keep the second from it if it were begun before."""
    tables = []
    for jobs, until in ((2, "/scratch/"), (1, "")):
        folder = tmp_path / f"jobs{jobs}"
        folder.mkdir()
        monkeypatch.chdir(folder)
        monkeypatch.setenv("STUB_UNTIL", until)
        assert compare(shares_comparison(tmp_path, out=Path("out"), jobs=jobs), **FACTS)
        tables.append(table(folder / "out").replace(f"{jobs} at a time", ""))
        lines = log.read_text().splitlines()
        assert any("/scratch/" in line for line in lines[: lines.index("end out/backbones/before/seed-5")])
    assert tables[0] == tables[1]


def test_another_pretraining_needs_another_folder(tmp_path: Path, log: Path) -> None:  # noqa: F811
    settings = shares_comparison(tmp_path)
    compare(settings, **FACTS)
    ran = log.read_text()
    settings.backbones["before"].options["model.optimizer.init_args.lr"] = 0.01
    with pytest.raises(ValueError, match="backbones/before: the runs here are of other arguments"):
        compare(settings, **FACTS)
    assert log.read_text() == ran
