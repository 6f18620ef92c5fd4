"""What a comparison's yaml gets wrong is one message, before anything runs."""

import logging
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.trainer.compare.settings import DROPOUT, FACTS, RATE, shares_comparison, small_comparison
from tests.trainer.tiny import write_domain
from trainer.cli import CONFIGS
from trainer.compare import compare
from trainer.compare.backbones import backbones_of
from trainer.compare.check import check
from trainer.compare.entries import entries_of
from trainer.compare.settings import BackboneSettings, DomainSettings, ModelSettings, Search, Settings

ROOT = Path(__file__).parents[3]
CONFIG = CONFIGS / "finetune/sample.yaml"


def one(**changes: Any) -> dict[str, ModelSettings]:
    return {"plain": ModelSettings(**({"configs": [CONFIG]} | changes))}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"models": {}}, "name at least one model"),
        ({"domains": {}}, "name at least one domain"),
        ({"reference": "best"}, "no model is best; give one of tuned, plain"),
        ({"seeds": []}, "seeds: give at least one"),
        ({"seeds": [1, 1]}, "each once"),
        ({"jobs": 0}, "jobs = 0: it counts from 1"),
        ({"trials": -1}, "trials = -1"),
        ({"models": one() | {"a/b": ModelSettings([CONFIG])}}, "'a/b' is no name of a folder"),
        ({"models": one(options={"seed_everything": 3})}, "seed_everything: the comparison sets it itself"),
        ({"models": one(search={RATE: Search(low=2.0, high=1.0)})}, "low = 2.0 is not below high = 1.0"),
        ({"models": one(search={RATE: Search(low=0.0, high=1.0, log=True)})}, "has no logarithm"),
        ({"models": one(search={RATE: Search(choices=[])})}, "at least one"),
        ({"models": one(search={RATE: Search(choices=[1], low=1)})}, "not both"),
        ({"models": one(search={RATE: Search()})}, "give choices, or low and high"),
        ({"models": one(search={RATE: Search(low="1", high=2)})}, "low = '1' is no number"),
        ({"models": one(search={RATE: Search(low=0, high=True)})}, "high = True is no number"),
        ({"models": one(options={RATE: 1.0}, search={RATE: Search(choices=[1.0])})}, "both an option and searched"),
        ({"models": one(configs=[Path("nowhere.yaml")])}, "plain on tiny: .*nowhere.yaml"),
        ({"models": one(options={"data.batchsize": 3})}, "plain on tiny: .*batchsize"),
        ({"models": one(search={"model.system.init_args.hiden": Search(choices=[8])})}, "plain on tiny: .*hiden"),
        ({"models": one(search={DROPOUT: Search(choices=[0.1, "much"])})}, "plain on tiny: .*much"),
        ({"domains": {"far": DomainSettings(Path("nowhere/Shop"))}}, "domains.far: nowhere/Shop: there is no such"),
        ({"models": one(domains=["thriller"])}, "models.plain.domains: no domain is thriller; give some of tiny"),
        ({"models": one(domains=[])}, "models.plain.domains: give at least one"),
        ({"models": one(options={"data.user_share": 0.5})}, "data.user_share: the comparison sets it itself"),
        ({"models": one(backbone="far")}, r"models.plain.backbone: no backbone is far \(there are none\)"),
    ],
)
def test_it_is_named_and_nothing_is_made(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=says):
        compare(small_comparison(tmp_path, **changes), **FACTS)
    assert not (tmp_path / "out").exists()


SHOP = {"data.domain": "nowhere/Shop"}
PRETRAINED = CONFIGS / "pretrain/sample.yaml"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"backbones": {"a b": BackboneSettings([PRETRAINED])}}, "'a b' is no name of a folder"),
        (
            {"backbones": {"before": BackboneSettings([PRETRAINED], SHOP)}},
            "before: nowhere/Shop: there is no",
        ),
        ({"backbones": {"before": BackboneSettings([Path("no.yaml")])}}, "backbones.before: .*no.yaml.*pretrain.py"),
        ({"backbones": {"before": BackboneSettings([PRETRAINED], {"data.winter": 3})}}, "backbones.before: .*winter"),
        ({"backbones": {"before": BackboneSettings([PRETRAINED], {"run_dir": "x"})}}, "run_dir: the comparison sets"),
        ({"backbones": {"before": BackboneSettings([PRETRAINED], {"data.domain": "Tiny"})}}, "Tiny, which .* tests on"),
        ({"models": one()}, "models.plain: nothing trains on none, and it starts from no backbone"),
        ({"models": one(domains=["half"])}, "domains.none: no model is asked there"),
        ({"models": one(backbone="before", options={"backbone": "x.ckpt"})}, "give its backbone once"),
        ({"domains": {"backbones": DomainSettings(Path("Tiny"))}}, "backbones is a folder of the comparison's own"),
    ],
)
def test_backbones_and_shares_likewise(
    changes: dict[str, Any], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = {"reference": "plain"} if "models" in changes else {}
    settings = shares_comparison(Path(), **changes | named)
    with pytest.raises(ValueError, match=says):
        compare(settings, **FACTS)
    assert not (tmp_path / "out").exists()


def test_searches_hold_what_they_hold() -> None:
    assert 0.5 in Search(low=0.1, high=1.0) and 0.05 not in Search(low=0.1, high=1.0)
    assert 3 in Search(low=1, high=4) and 3.0 not in Search(low=1, high=4) and True not in Search(low=1, high=4)
    assert True in Search(choices=[True, False]) and 1 not in Search(choices=[True, False])


@pytest.fixture
def quiet() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"trails": 3}, "trails"),
        ({"models": {"m": {"configs": ["nowhere.yaml"]}}, "reference": "m"}, "nowhere.yaml"),
        ({"models": {"m": {"configs": [str(CONFIG)], "serch": {"a": {"low": 1}}}}, "reference": "m"}, "serch"),
    ],
)
def test_the_command_exits_2_with_one_message(
    change: dict[str, Any],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    quiet: None,
) -> None:
    domain = small_comparison(tmp_path).domains["tiny"].folder
    told = {"domains": {"tiny": {"folder": str(domain)}}, "models": {"m": {"configs": [str(CONFIG)]}}}
    told |= {"reference": "m", "out": str(tmp_path / "out"), "seeds": [1]}
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(told | change))
    monkeypatch.setattr(sys, "argv", ["compare.py", "--config", str(tmp_path / "bad.yaml")])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(ROOT / "compare.py"), run_name="__main__")
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ") and says in message and "Traceback" not in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", sorted((CONFIGS / "compare").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_comparisons_parse(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the command reads them, each model with main.py's parser; on the tiny domain, as theirs may not be here."""
    from jsonargparse import ArgumentParser

    monkeypatch.chdir(ROOT)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Settings, as_group=False)
    parser.add_argument("--config", action="config")
    read = parser.instantiate_classes(parser.parse_args(["--config", str(path)]))
    settings = Settings(**{name: value for name, value in vars(read).items() if name != "config"})
    check(settings)
    tiny = small_comparison(tmp_path).domains["tiny"].folder
    here = {name: DomainSettings(tiny, domain.options, domain.where_known) for name, domain in settings.domains.items()}
    write_domain(other := tmp_path / "Other")
    starts = {
        name: BackboneSettings(own.configs, own.options | {"data.domain": str(other)})
        for name, own in settings.backbones.items()
    }
    moved = Settings(**(vars(settings) | {"domains": here, "backbones": starts, "out": tmp_path / "out"}))
    asked = [model.is_asked(domain) for model in settings.models.values() for domain in settings.domains]
    assert len(entries_of(moved)) == sum(asked)
    assert [backbone.name for backbone in backbones_of(moved)] == list(settings.backbones), "each is used"
    assert str(settings.out).startswith("saved/compare/")
