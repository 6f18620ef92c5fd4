"""Whether transfer helped, in sentences computed from runs with and without a backbone."""

from collections.abc import Iterator, Sequence
from itertools import product

from trainer.finished_run import FinishedRun

_NDCG = "test/ndcg@10"


def transfer_sentences(runs: Sequence[FinishedRun], names: Sequence[str]) -> Iterator[str]:
    """One sentence a pair of runs on one domain, from a backbone and from scratch; several pairs get a mean.

    Runs of one seed make a pair; where a domain has only one run of each kind, these do, whatever their seeds.
    """
    named = dict(zip((id(run) for run in runs), names, strict=True))
    for domain in dict.fromkeys(run.domain for run in runs):
        pairs = _pairs([run for run in runs if run.domain == domain])
        for scratch, transfer in pairs:
            yield f"{domain.name}, {named[id(transfer)]} against {named[id(scratch)]}: {sentence(scratch, transfer)}"
        if len(pairs) > 1:
            gains = [_best(transfer) - _best(scratch) for scratch, transfer in pairs]
            tested = [transfer.metrics[_NDCG] - scratch.metrics[_NDCG] for scratch, transfer in pairs]
            yield (
                f"{domain.name}, mean of {len(pairs)} pairs: best validation NDCG@10 {sum(gains) / len(gains):+.4f} "
                f"(higher in {sum(gain > 0 for gain in gains)}), test NDCG@10 {sum(tested) / len(tested):+.4f} "
                f"(higher in {sum(gain > 0 for gain in tested)})."
            )


def sentence(scratch: FinishedRun, transfer: FinishedRun) -> str:
    """What transfer did for speed (epochs to the scratch run's best) and for the best itself."""
    goal, own = _best(scratch), _best(transfer)
    assert scratch.best_epoch is not None
    reached = next((epoch for epoch, value in transfer.curve.items() if value >= goal), None)
    how = f"never reached it in {max(transfer.curve)} epochs" if reached is None else f"reached it in epoch {reached}"
    verdict = _verdict(scratch.best_epoch, reached, own - goal)
    change = f"{own - goal:+.4f}" + (f", {(own - goal) / goal:+.1%}" if goal > 0 else "")
    return (
        f"from scratch the best validation NDCG@10 is {goal:.4f}, in epoch {scratch.best_epoch}; the run from the "
        f"backbone {how}, and its own best is {own:.4f} ({change}); test NDCG@10 {scratch.metrics[_NDCG]:.4f} from "
        f"scratch, {transfer.metrics[_NDCG]:.4f} from the backbone: {verdict}."
    )


def _verdict(scratch_epoch: int, reached: int | None, gain: float) -> str:
    if reached is None:
        return "transfer did not help"
    if reached < scratch_epoch:
        return "transfer helped, in fewer epochs" + (" and to a higher best" if gain > 0 else "")
    if gain > 0:
        return "transfer helped to a higher best, but not in fewer epochs"
    return "transfer did not help"


def _pairs(runs: Sequence[FinishedRun]) -> list[tuple[FinishedRun, FinishedRun]]:
    scratch, transfer = ([run for run in runs if run.start == start] for start in ("scratch", "backbone"))
    if len(scratch) == len(transfer) == 1:
        return [(scratch[0], transfer[0])]
    return [(one, other) for one, other in product(scratch, transfer) if one.seed == other.seed]


def _best(run: FinishedRun) -> float:
    assert run.best_value is not None
    return run.best_value
