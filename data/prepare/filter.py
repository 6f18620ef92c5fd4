"""The steps from raw files to numbered interactions, with the sizes each one leaves."""

import logging
from pathlib import Path
from typing import Any

from data.errors import bad
from data.prepare.codes import Keys, code_keys
from data.prepare.core import drop_duplicates, k_core
from data.prepare.engine import Engine
from data.prepare.ids import Numbered, number, with_never_bought
from data.prepare.manifest import Step
from data.raw.find import RawFiles

logger = logging.getLogger(__name__)


def best_entries(engine: Engine, entries: Any) -> Any:
    """The catalogue: each item of the metadata, with the priority of its best entry."""
    return engine.keep("catalogue", entries.group_by("item").aggregate(priority=entries.priority.min()))


def filter_interactions(
    engine: Engine, files: RawFiles, raw: Path, catalogue: Any, core: int
) -> tuple[Keys, Any, list[Step]]:
    """Drop duplicates, items without metadata and what the k-core leaves out.

    Args:
        engine: the engine.
        files: where the interactions came from, for messages.
        raw: the interactions as ``data.prepare.raw.read_raw`` left them.
        catalogue: the items that have metadata.
        core: of the k-core.

    Returns:
        What the codes of users and items stand for, the interactions kept (user, item, timestamp, position) and
        the sizes after each step.

    Raises:
        ValueError: nothing is left.
    """
    steps: list[Step] = []

    def after(step: str, events: Any) -> Any:
        steps.append(_sizes(engine, step, events))
        return events

    keys, events = code_keys(engine, engine.table(raw))
    after("read", events)
    events = after("duplicates dropped", engine.keep("unlike", drop_duplicates(events), "coded"))
    known = keys.items.semi_join(catalogue, keys.items.key == catalogue.item)
    described = events.semi_join(known, events.item == known.code)
    events = after("item has metadata", engine.keep("described", described, "unlike"))
    events = after(f"{core}-core", engine.keep("kept", k_core(engine, events, core), "described"))
    if not steps[-1].interactions:
        told = "; ".join(f"{step.step}: {step.interactions}" for step in steps)
        remedy = "Lower --core, or check that the metadata belong to these interactions"
        raise bad(files.interactions, f"no interaction is left after filtering ({told})", remedy)
    return keys, events, steps


def number_domain(engine: Engine, events: Any, keys: Keys, catalogue: Any, never_bought: bool) -> Numbered:
    """Ids and order; with ``never_bought`` the items that only metadata know follow the others."""
    numbered = number(engine, events, keys)
    if not never_bought:
        return numbered
    return Numbered(numbered.users, with_never_bought(engine, numbered.items, catalogue), numbered.events)


def _sizes(engine: Engine, step: str, events: Any) -> Step:
    sizes = engine.row(events.aggregate(users=events.user.nunique(), items=events.item.nunique(), n=events.count()))
    logger.info("%s: %d users, %d items, %d interactions", step, sizes["users"], sizes["items"], sizes["n"])
    return Step(step, sizes["users"], sizes["items"], sizes["n"])
