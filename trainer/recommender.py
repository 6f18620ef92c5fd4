"""The one LightningModule, for every system."""

from collections.abc import Sequence
from typing import Any

import lightning as L
import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable
from torch import Tensor, nn

from data.batches import Batch
from data.datamodule import DomainData
from model import CausalModel, ClosedForm, SequenceModel
from trainer.checkpoint import RECORD, check_fits, record_of
from trainer.losses import FullCatalogue, NextItemLoss
from trainer.metrics import RankMetrics
from trainer.ranks import target_ranks


class Recommender(L.LightningModule):
    """Trains and evaluates a system that gives user and item vectors.

    Logs ``train/loss``, and per stage (``val``, ``test``) Hit, NDCG and MRR at each K in both readings:
    ``val/ndcg@10`` as published and ``val_removed/ndcg@10`` with the user's history removed. A ``ClosedForm`` system
    counts for one epoch in place of training; loss and optimizer are not used.

    Args:
        system: the model.
        optimizer: of the parameters that train.
        loss: over the catalogue (the default) or the batch.
        scheduler: of the learning rate, stepped once an epoch; none by default.
        ks: cut-offs of the metrics.
        compile: encode training histories through ``torch.compile`` with this backend, such as ``inductor``; none
            by default. It takes minutes at the start and pays on a GPU; on the CPUs we measured it did not.
    """

    def __init__(
        self,
        system: SequenceModel,
        optimizer: OptimizerCallable,
        loss: NextItemLoss | None = None,
        scheduler: LRSchedulerCallable | None = None,
        ks: Sequence[int] = (10, 20, 50),
        compile: str | None = None,
    ) -> None:
        super().__init__()
        self.system = system
        self.loss = loss or FullCatalogue()
        self.make_optimizer, self.make_scheduler = optimizer, scheduler
        self._encode = torch.compile(self._users, backend=compile) if compile else self._users
        stages = ("val", "val_removed", "test", "test_removed")
        self.metrics = nn.ModuleDict({stage: RankMetrics(ks) for stage in stages})
        self.automatic_optimization = not isinstance(system, ClosedForm)
        self._bound = False
        self._items_Id: Tensor | None = None

    @property
    def monitors(self) -> list[str]:
        """Names of the validation metrics, of which one picks the best epoch."""
        return [f"{stage}/{name}" for stage in ("val", "val_removed") for name in self.metrics[stage].names]  # type: ignore[union-attr]

    def configure_model(self) -> None:
        """Give the system its catalogue, once, before any weights are loaded."""
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        if not self._bound:
            assert isinstance(data, DomainData)
            self.bind(data)

    def check(self, data: DomainData) -> None:
        """Raise ``ValueError`` where the system cannot train on what the data gives at a step."""
        name = type(self.system).__name__
        if (data.positions == "whole") != (counts := isinstance(self.system, ClosedForm)):
            reason, remedy = ("counts", "whole") if counts else ("trains on targets", "every or last")
            raise ValueError(f"data.positions is {data.positions}, but {name} {reason}: set data.positions to {remedy}")
        if data.positions == "every" and not isinstance(self.system, CausalModel):
            raise ValueError(f"data.positions is every, but {name} is not causal: set data.positions to last")

    def bind(self, data: DomainData) -> None:
        """Give the system the catalogue of ``data``, which is set up; see ``check``."""
        self.check(data)
        self.system.bind(data.n_items, data.features, data.present)
        self._bound = True

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what it takes to build the system and read its catalogue again."""
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        checkpoint[RECORD] = record_of(self.system, data)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse, with ``ValueError``, the checkpoint of another system or catalogue."""
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        check_fits(checkpoint, self.system, data)

    def on_train_epoch_start(self) -> None:
        """What is counted is counted in one pass."""
        if isinstance(self.system, ClosedForm):
            self.system.reset()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor | None:
        """Loss of the batch's targets; none where they are only counted."""
        if isinstance(self.system, ClosedForm):
            self._count(self.system, batch)
            return None
        with self.system.shared_items():
            users_Td, targets_T = self._encode(batch), _targets(batch)
            seen_TL = None if self.loss.repeats else _seen(batch)
            loss = self.loss(users_Td, targets_T, seen_TL, self.system)
        self.log("train/loss", loss, prog_bar=True, on_step=True, on_epoch=True, batch_size=len(targets_T))
        return loss

    def on_validation_epoch_start(self) -> None:
        """Item vectors are the same for every batch of an evaluation."""
        self._items_Id = self.system.item_vectors()

    def on_test_epoch_start(self) -> None:
        """See ``on_validation_epoch_start``."""
        self._items_Id = self.system.item_vectors()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Rank the batch's targets."""
        self._rank(batch, "val")

    def test_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """Rank the batch's targets; gives what ``KeepUserResults`` keeps of each user."""
        return self._rank(batch, "test")

    def on_validation_epoch_end(self) -> None:
        """Log and forget."""
        self._log_metrics("val")

    def on_test_epoch_end(self) -> None:
        """Log and forget."""
        self._log_metrics("test")

    def configure_optimizers(self) -> Any:
        """The optimizer, and the scheduler where there is one."""
        if isinstance(self.system, ClosedForm):  # of nothing: Lightning numbers steps, and checkpoints, by it
            return torch.optim.SGD([torch.zeros(0)])
        optimizer = self.make_optimizer(self.parameters())
        if self.make_scheduler is None:
            return optimizer
        scheduler = self.make_scheduler(optimizer)
        # one that reacts to a metric says to which
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "monitor": getattr(scheduler, "monitor", None)},
        }

    def _count(self, system: ClosedForm, batch: Batch) -> None:
        """Take in the batch; the last one of the one pass that it takes solves."""
        system.count(batch.items)
        self.optimizers().step()  # type: ignore[union-attr]  # the one of nothing
        if self.trainer.is_last_batch:
            system.solve()
            self.trainer.should_stop = True

    def _users(self, batch: Batch) -> Tensor:
        """User vectors ``(T, d)`` of the batch's targets: one a history, or one a position."""
        if batch.targets.dim() == 1:
            return self.system.user(batch.items, batch.lengths, batch.timestamps)
        assert isinstance(self.system, CausalModel)
        return self.system.users(batch.items, batch.lengths, batch.timestamps, batch.targets > 0)

    def _rank(self, batch: Batch, stage: str) -> dict[str, Tensor]:
        assert self._items_Id is not None
        user_Bd = self.system.user(batch.items, batch.lengths, batch.timestamps).float()
        items_Id = self._items_Id.float()
        published, removed = target_ranks(user_Bd, items_Id, batch.targets, batch.seen)
        self.metrics[stage].update(published)  # type: ignore[operator]
        self.metrics[f"{stage}_removed"].update(removed)  # type: ignore[operator]
        return {"users": user_Bd, "items": items_Id, "ranks": published, "ranks_removed": removed}

    def _log_metrics(self, stage: str) -> None:
        self._items_Id = None
        for reading in (stage, f"{stage}_removed"):
            metric = self.metrics[reading]
            assert isinstance(metric, RankMetrics)
            self.log_dict({f"{reading}/{name}": value for name, value in metric.compute().items()})
            metric.reset()


def _targets(batch: Batch) -> Tensor:
    """Targets ``(T,)``, history after history."""
    return batch.targets[batch.targets > 0] if batch.targets.dim() == 2 else batch.targets


def _seen(batch: Batch) -> Tensor:
    """What the batch holds of the history before each target, ``(T, L)``; 0 where there is nothing."""
    if batch.targets.dim() == 1:
        return batch.items
    rows_T, at_T = batch.targets.nonzero(as_tuple=True)
    before_TL = torch.arange(batch.items.shape[1], device=at_T.device) <= at_T.unsqueeze(1)
    return batch.items[rows_T] * before_TL
