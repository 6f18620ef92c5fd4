"""Every yaml in configs/prepare parses, section by section, through the command that the section is named after."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonargparse import ArgumentError, auto_parser

from prepare import COMMANDS
from trainer.cli import CONFIGS

SHIPPED = sorted(CONFIGS.glob("prepare/*.yaml"))
SECTIONS = [(path, step) for path in SHIPPED for step in yaml.safe_load(path.read_text())]
PUBLISHED = {
    "scientific": (8_442, 4_385, 59_427, None),
    "pantry": (13_101, 4_898, None, None),
    "instruments": (24_962, 9_964, None, None),
    "arts": (45_486, 21_019, None, None),
    "office": (87_346, 25_986, 684_837, None),
    "pretrain": (1_361_408, 446_975, 14_029_229, 21),
}
A_SHOP = ["--raw", "dataset/amazon_v2/raw/Food", "--out", "dataset/amazon_v2/processed/Food"]


def parse(config: Path, step: str) -> dict[str, Any]:
    parser = auto_parser(COMMANDS, as_positional=False, exit_on_error=False)
    each = A_SHOP if (config.stem, step) == ("pretrain", "domain") else []  # of five shops, said on the command line
    parsed: dict[str, Any] = parser.parse_args(["--config", str(config), step, *each])[step].as_dict()
    return parsed


def test_there_is_one_a_published_domain() -> None:
    assert {path.stem for path in SHIPPED} == PUBLISHED.keys()


@pytest.mark.parametrize(("path", "step"), SECTIONS, ids=lambda value: getattr(value, "stem", value))
def test_each_section_is_its_commands(path: Path, step: str) -> None:
    parsed = parse(path, step)
    for key, value in yaml.safe_load(path.read_text())[step].items():
        said = [str(entry) for entry in parsed[key]] if isinstance(value, list) else parsed[key]
        assert said == value or str(said) == value


@pytest.mark.parametrize("step", ["fetch", "domain", "verify", "images", "features"])
def test_a_wrong_key_is_an_error(step: str, tmp_path: Path) -> None:
    config = yaml.safe_load((CONFIGS / "prepare/arts.yaml").read_text())
    config[step]["wrong_key"] = 1
    (tmp_path / "arts.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(ArgumentError, match="wrong_key"):
        parse(tmp_path / "arts.yaml", step)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_sizes_and_preprocessing(name: str) -> None:
    config = CONFIGS / f"prepare/{name}.yaml"
    verify, domain = parse(config, "verify"), parse(config, "domain")
    assert tuple(verify[size] for size in ("users", "items", "interactions", "pictures")) == PUBLISHED[name]
    assert (domain["core"], domain["catalogue"], domain["columns"]) == (5, "interacted", None)


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_step_goes_on_where_the_last_one_stopped(name: str) -> None:
    """From the folder that fetch fills to the one that training reads."""
    config = CONFIGS / f"prepare/{name}.yaml"
    fetch, domain, features, verify = (parse(config, step) for step in ("fetch", "domain", "features", "verify"))
    assert Path(domain["raw"]).parent == Path(fetch["out"]) and Path(domain["raw"]).name == fetch["domains"][0]
    assert [Path(folder).name for folder in features["domains"]] == fetch["domains"]
    assert Path(features["domains"][0]) == Path(domain["out"])
    stage = "pretrain/default" if name == "pretrain" else f"finetune/{name}"
    trained = yaml.safe_load((CONFIGS / f"{stage}.yaml").read_text())["data"]["domain"]
    assert str(verify["domain"]) == trained
    made = parse(config, "merge")["out"] if name == "pretrain" else domain["out"]
    assert str(made) == trained
