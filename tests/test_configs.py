"""Every shipped yaml parses through its command's own parser; what it does not know is named."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from lightning.pytorch.cli import LightningCLI

import trainer.cli
from trainer.cli import CONFIGS, RunCLI, TestCLI

ROOT = Path(__file__).parents[1]
OTHERS = ("compare", "prepare")  # folders of what compare.py and prepare.py read
SHIPPED = sorted(path for path in CONFIGS.rglob("*.yaml") if path.parent.name not in OTHERS)
SIZES = ("hidden", "inner", "layers", "state", "head_dim", "groups", "kernel", "expand", "temperature", "time", "ffn")


@pytest.fixture(autouse=True)
def parse_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line parses, and stops before it makes anything."""
    for name in ("_set_seed", "instantiate_classes"):
        monkeypatch.setattr(LightningCLI, name, lambda self: None)


def parse(
    monkeypatch: pytest.MonkeyPatch, default: Path, *arguments: str, cli: type[RunCLI] = RunCLI
) -> dict[str, Any]:
    monkeypatch.setattr(sys, "argv", ["main.py", *arguments])
    config: dict[str, Any] = cli(default).config.as_dict()
    return config


def default_of(path: Path) -> Path:
    stage = "finetune" if path.parent.name in ("baselines", "models") else path.parent.name
    return CONFIGS / stage / "default.yaml"


def read(path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    own = [] if path == default_of(path) else ["--config", str(path)]
    domain = [] if "domain" in yaml.safe_load(path.read_text())["data"] else ["--data.domain", "x"]
    return parse(monkeypatch, default_of(path), *own, *domain)


def test_there_are_configs() -> None:
    names = {str(path.relative_to(CONFIGS)) for path in SHIPPED}
    shops = {f"finetune/{name}.yaml" for name in ("scientific", "pantry", "instruments", "arts", "office", "sample")}
    assert names >= shops | {"finetune/default.yaml", "pretrain/default.yaml", "pretrain/sample.yaml"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_parses(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = read(path, monkeypatch)
    system = config["model"]["system"].get("init_args", {})
    assert system.get("window", config["data"]["window"]) == config["data"]["window"]
    assert list(system.get("modalities", config["data"]["modalities"])) == list(config["data"]["modalities"])
    assert config["data"]["seed"] == config["seed_everything"]
    for section, value in yaml.safe_load(path.read_text())["data"].items():
        assert str(config["data"][section]) == str(value)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_its_model_can_be_built(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import model

    system = read(path, monkeypatch)["model"]["system"]
    assert system["class_path"].startswith("model.")
    getattr(model, system["class_path"].rpartition(".")[2])(**system.get("init_args", {}))


@pytest.mark.parametrize("name", ["default", "sample", "movies", "published", "movies_published"])
def test_pretraining_and_fine_tuning_agree_in_sizes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    both = [read(CONFIGS / stage / f"{name}.yaml", monkeypatch) for stage in ("pretrain", "finetune")]
    systems = [{key: config["model"]["system"]["init_args"][key] for key in SIZES} for config in both]
    assert systems[0] == systems[1]
    assert both[0]["data"]["window"] == both[1]["data"]["window"]
    assert both[0]["data"]["modalities"] == both[1]["data"]["modalities"]


def test_the_published_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """MODELS §1.10."""
    fine, pre = (read(CONFIGS / stage / "published.yaml", monkeypatch) for stage in ("finetune", "pretrain"))
    assert all(config["model"]["system"]["class_path"] == "model.WindowMMM4Rec" for config in (fine, pre))
    assert all((config["data"]["positions"], config["average"]) == ("last", 0.0) for config in (fine, pre))
    system = fine["model"]["system"]["init_args"]
    published = {
        "hidden": 256,
        "state": 64,
        "head_dim": 64,
        "groups": 8,
        "kernel": 4,
        "dropout": 0.4,
        "temperature": 0.8,
    }
    assert {key: system[key] for key in published} == published
    assert (fine["data"]["batch_size"], fine["data"]["window"], fine["patience"]) == (1024, 20, 10)
    optimizers = [config["model"]["optimizer"] for config in (fine, pre)]
    assert [o["class_path"].rpartition(".")[2] for o in optimizers] == ["NAdam", "NAdam"]
    assert [o["init_args"]["lr"] for o in optimizers] == [1e-4, 2.5e-4]
    assert [o["init_args"]["weight_decay"] for o in optimizers] == [0.005, 0.005]
    assert pre["model"]["loss"]["class_path"].endswith("InBatch")


WRONG = [
    (["--patiense", "3"], "patiense"),
    (["--data.batchsize", "3"], "batchsize"),
    (["--model.system.init_args.hiden", "8"], "hiden"),
    (["--trainer.max_epoch5", "8"], "max_epoch5"),
    (["--patience", "many"], "patience"),
    (["--data.holdout", "leave_two_out"], "holdout"),
    (["--model.system.init_args.fusion", "dynamic"], "fusion"),
    (["--config", "nowhere.yaml"], "nowhere.yaml"),
]


@pytest.mark.parametrize(
    ("arguments", "named"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_what_the_command_line_does_not_know_is_named(
    arguments: list[str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=named):
        parse(monkeypatch, CONFIGS / "finetune/default.yaml", "--data.domain", "x", *arguments)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("data: {batchsize: 3}", "batchsize"),
        ("model: {system: {class_path: model.WindowMMM4Rec, init_args: {hiden: 8}}}", "hiden"),
        ("model: {system: {class_path: model.WindowMMM4Rek}}", "WindowMMM4Rek"),
        ("patiense: 3", "patiense"),
        ("patience: 3\ndata:\n  batchsize: 3", r"typo\.yaml:3: .*batchsize"),
        ("patience: [", "typo.yaml"),
    ],
)
def test_what_a_config_may_not_say_is_named(
    text: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "typo.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=named):
        parse(monkeypatch, CONFIGS / "finetune/default.yaml", "--data.domain", "x", "--config", str(path))


def test_the_test_command_reads_them_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"tributary": {"format": 1}}, tmp_path / "best.ckpt")
    config = parse(monkeypatch, CONFIGS / "finetune/default.yaml", "--config", str(CONFIGS / "finetune/office.yaml"),
                   "--ckpt_path", str(tmp_path / "best.ckpt"), cli=TestCLI)  # fmt: skip
    assert str(config["data"]["domain"]) == "dataset/amazon_v2/processed/Office"


def test_a_typo_ends_a_real_command_with_one_message(tmp_path: Path) -> None:
    path = tmp_path / "typo.yaml"
    path.write_text("data: {domain: x, batchsize: 3}\n")
    done = subprocess.run(
        [sys.executable, ROOT / "pretrain.py", "--config", path],
        cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2
    (message,) = [line for line in done.stderr.splitlines() if line]
    assert message.startswith("error: ") and "batchsize" in message
    assert list(tmp_path.iterdir()) == [path]


def test_defaults_are_where_the_commands_look() -> None:
    assert trainer.cli.CONFIGS == ROOT / "configs"
