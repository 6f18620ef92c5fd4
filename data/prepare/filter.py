"""The steps from raw files to numbered interactions, with the sizes each one leaves."""

import glob
import logging
from pathlib import Path
from typing import Any

from data.errors import bad
from data.prepare.core import drop_duplicates, k_core
from data.prepare.engine import keep
from data.prepare.ids import Numbered, number, with_never_bought
from data.prepare.manifest import Step
from data.raw.bulk import NAME
from data.raw.find import RawFiles
from data.raw.metadata import metadata_parquet
from data.raw.read import read_events

logger = logging.getLogger(__name__)


def load_metadata(con: Any, files: RawFiles, template: str, work: Path) -> tuple[Any, Any]:
    """Read the metadata file into the database.

    Returns:
        The catalogue (item, priority of its best entry) and all entries (see `data.raw.metadata.COLUMNS`).
    """
    target = work / "metadata.parquet"
    metadata_parquet(files.items, template, target)
    entries = con.read_parquet(glob.escape(str(target)))
    best = entries.group_by("item").aggregate(priority=entries.priority.min())
    return keep(con, "catalogue", best), entries


def filter_interactions(con: Any, files: RawFiles, catalogue: Any, core: int, work: Path) -> tuple[Any, list[Step]]:
    """Read the interactions, drop duplicates, items without metadata and what the k-core leaves out.

    Returns:
        The interactions kept (item, user, timestamp, position) and the sizes after each step.

    Raises:
        ValueError: bad input, or nothing is left.
    """
    steps: list[Step] = []

    def after(step: str, events: Any) -> Any:
        steps.append(_sizes(step, events))
        return events

    events = after("read", read_events(con, files.events, work))
    events = after("duplicates dropped", keep(con, "unlike", drop_duplicates(events), NAME))
    events = after("item has metadata", keep(con, "described", events.semi_join(catalogue, "item"), "unlike"))
    events = after(f"{core}-core", keep(con, "kept", k_core(con, events, core), "described"))
    if not steps[-1].interactions:
        told = "; ".join(f"{step.step}: {step.interactions}" for step in steps)
        remedy = "Lower --core, or check that the metadata belong to these interactions"
        raise bad(files.interactions, f"no interaction is left after filtering ({told})", remedy)
    return events, steps


def number_domain(con: Any, events: Any, catalogue: Any, never_bought: bool) -> Numbered:
    """Ids and order; with ``never_bought`` the items that only metadata know follow the others."""
    numbered = number(con, events)
    if not never_bought:
        return numbered
    return Numbered(numbered.users, with_never_bought(con, numbered.items, catalogue), numbered.events)


def _sizes(step: str, events: Any) -> Step:
    row = events.aggregate(users=events.user.nunique(), items=events.item.nunique(), n=events.count())
    sizes = row.to_pyarrow().to_pylist()[0]
    logger.info("%s: %d users, %d items, %d interactions", step, sizes["users"], sizes["items"], sizes["n"])
    return Step(step, sizes["users"], sizes["items"], sizes["n"])
