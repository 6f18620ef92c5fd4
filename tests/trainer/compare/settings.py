"""A comparison of two models on the tiny domain, for the stand-in of main.py."""

from pathlib import Path
from typing import Any

from tests.trainer.tiny import write_domain
from trainer.cli import CONFIGS
from trainer.compare.settings import DomainSettings, ModelSettings, Search, Settings

STUB = Path(__file__).with_name("stub_main.py")
RATE, DROPOUT = "model.optimizer.init_args.lr", "model.system.init_args.dropout"
FACTS: dict[str, Any] = {"machine": {"cpu": "a processor", "cores": 1}, "versions": {"python": "3"}, "main": STUB}


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
