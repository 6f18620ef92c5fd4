"""Comparisons on the tiny domain, for the stand-ins of main.py and pretrain.py."""

from pathlib import Path
from typing import Any

from tests.trainer.tiny import write_domain
from trainer.cli import CONFIGS
from trainer.compare.settings import BackboneSettings, DomainSettings, ModelSettings, Search, Settings

STUB = Path(__file__).with_name("stub")
RATE, DROPOUT = "model.optimizer.init_args.lr", "model.system.init_args.dropout"
FACTS: dict[str, Any] = {"machine": {"cpu": "a processor", "cores": 1}, "versions": {"python": "3"}, "scripts": STUB}


def small_comparison(folder: Path, **changes: Any) -> Settings:
    """``tuned`` over its rate and dropout in 3 trials, ``plain`` as its config is; two seeds."""
    domain = folder / "Tiny"
    if not domain.exists():
        write_domain(domain)
    config = CONFIGS / "finetune/sample.yaml"
    search = {RATE: Search(low=1e-4, high=1e-2, log=True), DROPOUT: Search(choices=[0.1, 0.2])}
    told: dict[str, Any] = {
        "domains": {"tiny": DomainSettings(domain)},
        "models": {
            "tuned": ModelSettings([config], search=search),
            "plain": ModelSettings([config], options={RATE: 0.002}),
        },
        "reference": "plain",
        "out": folder / "out",
        "seeds": [5, 6],
        "trials": 3,
        "threads": 1,
        "resamples": 200,
    }
    return Settings(**(told | changes))


def shares_comparison(folder: Path, **changes: Any) -> Settings:
    """``transferred`` from a backbone of another shop, untrained, of half of the users and of all; the reference,
    ``scratch``, only where something trains; one seed."""
    shops = [folder / name for name in ("Tiny", "Elsewhere")]
    for shop in shops:
        if not shop.exists():
            write_domain(shop)
    config = CONFIGS / "finetune/sample.yaml"
    told: dict[str, Any] = {
        "backbones": {"before": BackboneSettings([CONFIGS / "pretrain/sample.yaml"], {"data.domain": str(shops[1])})},
        "domains": {
            "none": DomainSettings(shops[0], {"trainer.max_epochs": 0}),
            "half": DomainSettings(shops[0], {"data.user_share": 0.5}),
            "whole": DomainSettings(shops[0]),
        },
        "models": {
            "transferred": ModelSettings([config], {RATE: 0.003}, backbone="before"),
            "scratch": ModelSettings([config], {RATE: 0.02}, domains=["half", "whole"]),
        },
        "reference": "scratch",
        "out": folder / "out",
        "seeds": [5],
        "monitor": "val_removed/ndcg@10",
        "resamples": 200,
    }
    return Settings(**(told | changes))
