"""The comparison, from its settings to its tables."""

import dataclasses
import logging
import os
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import torch
from filelock import FileLock, Timeout

from data.errors import bad
from data.files import atomic_file
from trainer.compare.backbones import backbones_of
from trainer.compare.check import check
from trainer.compare.claim import claim
from trainer.compare.curve import draw_curve
from trainer.compare.entries import entries_of
from trainer.compare.hparams import write_hparams
from trainer.compare.launch import ROOT, Launcher
from trainer.compare.markdown import accuracy_table, markdown
from trainer.compare.picture import draw
from trainer.compare.schedule import run_all
from trainer.compare.settings import Settings
from trainer.compare.summary import summarise, summarise_backbones

logger = logging.getLogger(__name__)


def compare(settings: Settings, machine: Mapping[str, Any], versions: Mapping[str, str], scripts: Path = ROOT) -> bool:
    """Run what is not finished, write ``result.md``, ``.json``, ``.svg`` and ``tensorboard/``, log the tables.

    Where one shop stands there with several shares of its users, ``shares.svg`` too.

    Args:
        settings: of the comparison.
        machine: facts on it, for the record; ``cores`` among them.
        versions: of packages, likewise.
        scripts: the folder of main.py and pretrain.py.

    Returns:
        whether every model ran on every domain.

    Raises:
        ValueError: the settings cannot work (nothing has run then), or the folder is of another comparison.
    """
    check(settings)
    backbones, entries = backbones_of(settings), entries_of(settings)
    settings.out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.out / ".lock", timeout=0):
            for backbone in backbones:
                claim(backbone.run.parent, backbone.told())
            for entry in entries:
                claim(entry.folder, entry.told(settings.seeds[0]))
            threads = settings.threads or _threads(machine["cores"], settings.jobs)
            launcher = Launcher(threads, scripts)
            pretrained, outcomes = run_all(backbones, entries, settings.seeds, launcher, settings.jobs)
            told = {
                "command": shlex.join(["python", *([Path(sys.argv[0]).name]), *sys.argv[1:]]),
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": dict(machine),
                "versions": dict(versions),
                "threads": threads,
                "settings": dataclasses.asdict(settings),
                "backbones": summarise_backbones(pretrained),
                "domains": summarise(outcomes, settings),
            }
            _write(told, settings)
    except Timeout:
        raise bad(settings.out, "another comparison is running here", "Wait for it, or give another --out") from None
    return all(outcome.error is None for outcome in outcomes)


def _threads(cores: int, jobs: int) -> int:
    """Of each run: those that the user gave this process; else the cores are shared."""
    return torch.get_num_threads() if os.environ.get("OMP_NUM_THREADS") else max(1, cores // jobs)


def _write(result: Mapping[str, Any], settings: Settings) -> None:
    out = settings.out
    with atomic_file(out / "result.json") as part:
        part.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2, default=str) + b"\n")
    with atomic_file(out / "result.md") as part:
        part.write_text(markdown(result))
    draw(result, out / "result.svg")
    pictures = ["result.svg", *(["shares.svg"] if draw_curve(result, out / "shares.svg") else [])]
    write_hparams(result, out / "tensorboard")
    for name, domain in result["domains"].items():
        logger.info("\n%s, %d users:\n%s", name, domain["users"], accuracy_table(domain, settings.reference, "simple"))
        for model, row in domain["models"].items():
            if row["error"] is not None:
                logger.error("%s on %s failed: %s", model, name, row["error"])
    logger.info("\nwritten: %s", ", ".join(str(out / name) for name in ("result.md", "result.json", *pictures)))
