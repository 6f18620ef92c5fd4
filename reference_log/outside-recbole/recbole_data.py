"""Our histories as RecBole's interactions, and the proof that its splits are ours.

It is given an event's place in its history as its timestamp: it keeps them in float32, which cannot tell seconds of
1998 apart.
"""

import json
from pathlib import Path
from typing import Any

Histories = dict[int, list[int]]


def read_histories(domain: Path) -> Histories:
    """Item ids of each user, oldest first."""
    with (domain / "histories.jsonl").open() as file:
        return {user: [item for item, _ in pairs] for user, pairs in map(json.loads, file)}


def write_interactions(histories: Histories, path: Path) -> None:
    """RecBole's atomic file, an event's place in its history as its timestamp."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{user}\t{item}\t{at}\n" for user, items in histories.items() for at, item in enumerate(items)]
    path.write_text("".join(["user_id:token\titem_id:token\ttimestamp:float\n", *rows]))


def check_same(split: Any, histories: Histories, held: int | None, length: int) -> None:
    """Every input and target of a split is ours; ``held`` events follow a target, or None in training."""
    ours = [
        (user, tuple(items[max(0, at - length) : at]), items[at])
        for user, items in histories.items()
        for at in (range(1, len(items) - 2) if held is None else [len(items) - 1 - held])
    ]
    ids, users = split.field2id_token["item_id"], split.field2id_token["user_id"]
    columns = (split.inter_feat[name].tolist() for name in ("user_id", "item_id_list", "item_length", "item_id"))
    theirs = [
        (int(users[user]), tuple(int(ids[item]) for item in before[:count]), int(ids[target]))
        for user, before, count, target in zip(*columns, strict=True)
    ]
    if sorted(theirs) != sorted(ours):
        raise SystemExit(f"RecBole's split differs from ours ({len(theirs)} samples, {len(ours)})")
