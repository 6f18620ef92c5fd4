"""From a checkpoint alone to the K best items of histories.

Shapes: B batch, L positions (at most the window), I items (ids 1…I, 0 padding), S longest whole history, d width.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from data.domain import Domain
from data.errors import bad
from data.features.table import FeatureTable
from model import SequenceModel
from trainer.carry import carry_rows
from trainer.checkpoint import RECORD, build_system, read_checkpoint, shape_differences, system_weights
from trainer.histories import History
from trainer.top import top_k

logger = logging.getLogger(__name__)

_BLOCK = 1 << 24  # scores held at once


class Ranker:
    """A trained system on a catalogue.

    Args:
        system: bound to the catalogue, with its weights.
        candidates_I: ``(I+1,)``, which ids may be recommended.
        window: the most recent events that the system sees.
        uses_time: whether scores depend on times.
    """

    def __init__(self, system: SequenceModel, candidates_I: Tensor, window: int, uses_time: bool) -> None:
        self.system, self.candidates_I, self.window, self.uses_time = system.eval(), candidates_I, window, uses_time
        with torch.inference_mode():
            self._items_Id = system.item_vectors().float()
        self.batch_size = max(1, min(1024, _BLOCK // len(candidates_I)))

    @torch.inference_mode()
    def top(self, histories: Sequence[History], k: int, remove_history: bool) -> list[list[tuple[int, float]]]:
        """Per history the best items, ``(id, score)``, best first; of equal scores the lower id.

        Padding is never among them, nor with ``remove_history`` any item of the whole history; there are fewer
        than ``k`` where the catalogue has fewer. An empty history, of which nothing is known, gets none.

        Args:
            histories: at most ``batch_size``, whole; the last ``window`` events are encoded.
            k: from 1.
            remove_history: leave out what the user had.

        Raises:
            ValueError: the scores are not numbers.
        """
        known = [history for history in histories if history.items]
        if not known:
            return [[] for _ in histories]
        scores_BI = self._scores(known).masked_fill(~self.candidates_I, -torch.inf)
        if remove_history:
            scores_BI.scatter_(1, _padded([history.items for history in known]), -torch.inf)
        ids_BK, values_BK = top_k(scores_BI, k)
        rows = iter(
            [(item, score) for item, score in zip(ids, values, strict=True) if score > -torch.inf]
            for ids, values in zip(ids_BK.tolist(), values_BK.tolist(), strict=True)
        )
        return [next(rows) if history.items else [] for history in histories]

    def _scores(self, histories: Sequence[History]) -> Tensor:
        items = [history.items[-self.window :] for history in histories]
        times = [(history.times or [0] * len(history.items))[-self.window :] for history in histories]
        lengths_B = torch.tensor([len(row) for row in items])
        user_Bd = self.system.user(_padded(items), lengths_B, _padded(times))
        scores_BI = user_Bd.float() @ self._items_Id.T
        if scores_BI.isnan().any():
            raise ValueError("the checkpoint gives scores that are not numbers: its training diverged; take another")
        return scores_BI


def load_ranker(checkpoint_path: Path, folder: Path | None = None) -> tuple[Ranker, Domain]:
    """The checkpoint's system on the catalogue of its domain, or of another preparation of it.

    Args:
        checkpoint_path: a ``best.ckpt``, ``last.ckpt`` or converted checkpoint.
        folder: the processed domain; by default the one that the checkpoint was trained on.

    Raises:
        ValueError: one of them is missing, or the domain's features are of another encoder or width.
    """
    checkpoint = read_checkpoint(checkpoint_path)
    record = checkpoint[RECORD]
    domain = _domain(checkpoint_path, record, folder)
    tables = _features(checkpoint_path, record, domain)
    system = build_system(checkpoint)
    present = {name: torch.from_numpy(table.present) for name, table in tables.items()}
    system.bind(len(domain.items), {name: torch.from_numpy(t.values) for name, t in tables.items()}, present)
    _load(checkpoint_path, system, carry_rows(system_weights(checkpoint), system, record["items"], domain.items))
    candidates_I = _candidates(record["items"], domain, present)
    uses_time = bool(record["arguments"].get("time", False))  # every system that can has this switch
    return Ranker(system, candidates_I, record["window"], uses_time), domain


def _padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """``(B, L)``, 0 on the right."""
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)


def _domain(checkpoint_path: Path, record: Mapping[str, Any], folder: Path | None) -> Domain:
    if folder is not None:
        return Domain(folder)
    remedy = "Give the shop's processed folder: --domain dataset/…/processed/X"
    if not record["domain"]:
        raise bad(checkpoint_path, "the checkpoint names no domain", remedy)
    if not Path(record["domain"]).is_dir():
        raise bad(record["domain"], "the domain that the checkpoint was trained on is not here", remedy)
    return Domain(Path(record["domain"]))


def _features(checkpoint_path: Path, record: Mapping[str, Any], domain: Domain) -> dict[str, FeatureTable]:
    wanted = record["features"] or record["arguments"].get("modalities", ())
    if wanted and not record["features"]:
        logger.warning(
            "%s does not say what made its features: those of %s are taken for the same", checkpoint_path, domain.path
        )
    tables = {name: domain.features(name) for name in wanted}
    for name, theirs in record["features"].items():
        ours = {"encoder": tables[name].encoder, "options": tables[name].options}
        if theirs != ours:
            what = f"its {name} features were made by {ours}, those of {checkpoint_path} by {theirs}"
            remedy = (
                "Extract them with the encoder that the checkpoint was trained with (python prepare.py features "
                "--help), or give the --domain that has them"
            )
            raise bad(domain.path, what, remedy)
    return tables


def _load(path: Path, system: SequenceModel, weights: Mapping[str, Tensor]) -> None:
    if differing := shape_differences(weights, system):
        name, theirs, ours = differing[0]
        what = (
            f"{len(differing)} tensors do not fit, first {name}: {theirs} in the checkpoint, "
            f"{ours} with this domain's features"
        )
        raise bad(path, what, "Give the --domain whose features the checkpoint was trained with")
    system.load_state_dict(dict(weights))


def _candidates(known: Sequence[str], domain: Domain, present: Mapping[str, Tensor]) -> Tensor:
    """``(I+1,)``: every item but padding and new ones of which there is no content either."""
    trained_on = set(known)
    new = torch.tensor([item not in trained_on for item in domain.items])
    content = torch.stack([torch.zeros_like(new), *present.values()]).any(dim=0)
    blank = new & ~content
    logger.info("%d items in %s: the checkpoint knows %d", len(new), domain.path, int((~new).sum()))
    if new.any():
        logger.info("%d are new and ranked by their content alone", int((new & content).sum()))
    if blank.any():
        logger.info("%d are new and without any content: not recommended", int(blank.sum()))
    if gone := len(trained_on.difference(domain.items)):
        logger.info("%d items that the checkpoint knows are not in the domain any more: not recommended", gone)
    return torch.cat([torch.zeros(1, dtype=torch.bool), ~blank])
