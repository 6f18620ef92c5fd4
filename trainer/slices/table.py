"""The short form of ``slices.json``."""

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate


def format_slices(found: Mapping[str, Any], readings: Mapping[str, str]) -> str:
    """Properties of the lists, a row a reading, over NDCG@10 of each slice of users.

    Args:
        found: what ``slices_of`` gives.
        readings: titles by stage.
    """
    lists = found["lists"]
    names = list(next(iter(lists.values())))
    properties = [[title, *(lists[stage][name] for name in names)] for stage, title in readings.items()]
    rows = [
        [f"{title} {row['slice']}", row["users"], *(row[f"{stage}/ndcg@10"] for stage in readings)]
        for key, title in (("history_length", "events before"), ("popularity", "users of the target"))
        for row in found[key]
        if row["users"]
    ]
    heads = ["slice", "users", *(f"NDCG@10 {title}" for title in readings.values())]
    formats = ("", ".0f", *[".4f"] * len(readings))
    return f"{tabulate(properties, ['lists', *names], floatfmt='.4f')}\n{tabulate(rows, heads, floatfmt=formats)}"
