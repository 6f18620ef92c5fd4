"""A training step of WindowMMM4Rec, and encoding and ranking a batch: ``python -m bench.step``."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch.profiler import ProfilerActivity, profile

from bench.flops import matmul_gflop
from bench.harness import Measured, Work, compare
from bench.histories import Lengths, make_histories
from bench.matmul import product
from bench.options import Options, sized
from bench.report import Row
from bench.run import Rates, main
from bench.training import make_model, make_step
from trainer.ranks import target_ranks

logger = logging.getLogger(__name__)

_SOURCE = "published implementation, 2 CPU cores, machine with a matmul rate of 170 GFLOP/s in float32"
PUBLISHED: list[Row] = [
    {"work": "training step", "lengths": "full", "precision": "float32", "min": 9.0, "max": 14.0, "quoted": _SOURCE},
    {"work": "encode and rank", "lengths": "full", "precision": "float32", "seconds": 1.8, "quoted": _SOURCE},
]
"""At d = 256, L = 20, batch 1,024, 4,385 items, 768 features a modality."""


@dataclass
class StepOptions(Options):
    """Seconds, samples/s, useful GFLOP, model FLOP utilisation and peak memory of a training step.

    Utilisation is the GFLOP of matrix products ÷ seconds ÷ the matmul rate of the same precision, measured in the
    same rounds. Beside it stand the published implementation's seconds, at the normal sizes in float32.

    Args:
        hidden: d (256; smallest 16).
        window: L (20; smallest 5).
        batch: histories (1024; smallest 32).
        items: of the catalogue (4385; smallest 50).
        features: width of each modality's (768; smallest 8).
        lengths: full windows, and short histories of about 6 events, as shops have them.
        bf16: autocast to bfloat16; auto measures it where its matmul is no slower than float32's.
        compile: measure the step under torch.compile too.
        profile: log the operators of one step by their own time.
    """

    hidden: int = sized(256, 16)
    window: int = sized(20, 5)
    batch: int = sized(1024, 32)
    items: int = sized(4385, 50)
    features: int = sized(768, 8)
    lengths: tuple[Lengths, ...] = ("full", "short")
    bf16: Literal["auto", "always", "never"] = "auto"
    compile: bool = False
    profile: bool = False


def measure(options: StepOptions, rates: Rates) -> Iterator[Row]:
    """Rows of the step, of encoding with ranking, and the quoted ones."""
    skipped = _skip_bf16(options, rates)
    precisions = ["float32"] if skipped else ["float32", "bfloat16"]
    for lengths in options.lengths:
        for precision in precisions:
            yield from _Case(options, lengths, precision, int(rates[precision]["size"])).rows()
    if skipped:
        yield {"work": "training step", "precision": "bfloat16", "skipped": skipped}
    if options.size == "normal":
        yield from PUBLISHED


def _skip_bf16(options: StepOptions, rates: Rates) -> str | None:
    slow, fast = (rates[name]["gflops"] for name in ("bfloat16", "float32"))
    if options.bf16 == "never":
        return "not asked for"
    if options.bf16 == "auto" and slow < fast:
        return f"its matmul runs at {slow:.3g} GFLOP/s here, float32's at {fast:.3g}; --bf16 always measures it"
    return None


class _Case:
    """One model and batch, in one precision."""

    def __init__(self, options: StepOptions, lengths: Lengths, precision: str, side: int) -> None:
        self.options, self.side = options, side
        self.told: Row = {"lengths": lengths, "precision": precision}
        self.dtype: torch.dtype = getattr(torch, precision)
        self.autocast = precision == "bfloat16"
        sizes = (options.window, options.items)
        self.model = make_model(options.hidden, *sizes, options.features, options.where)
        self.batch = make_histories(options.batch, *sizes, lengths, options.where)

    def rows(self) -> Iterator[Row]:
        step = make_step(self.model, self.batch, self.autocast)
        gflop = matmul_gflop(step)
        works: dict[str, Work] = {"training step": step}
        if self.options.compile:
            works["training step, compiled"] = make_step(self.model, self.batch, self.autocast, compiled=True)
        matmul = {"matmul": product(self.side, self.dtype, self.options.where)}
        timed = compare(works | matmul, self.options.repeats, self.options.where)
        rate = 2 * self.side**3 / timed["matmul"].median / 1e9
        for name in works:
            speed = self._speed(timed[name])
            used = {"gflop": gflop, "matmul_gflops": rate, "mfu": gflop / timed[name].median / rate}
            yield {"work": name, **self.told, **timed[name].row(), **speed, **used}
        if self.options.profile:
            _log_profile(step, str(self.told))
        timed = compare({"encode and rank": self._encode_and_rank}, self.options.repeats, self.options.where)
        for name, measured in timed.items():
            yield {"work": name, **self.told, **measured.row(), **self._speed(measured)}

    def _speed(self, measured: Measured) -> Row:
        return {"samples/s": self.options.batch / measured.median}

    def _encode_and_rank(self) -> object:
        self.model.eval()
        autocast = torch.autocast(self.options.where.type, torch.bfloat16, enabled=self.autocast)
        with torch.inference_mode(), autocast:
            items_Id = self.model.item_vectors()
            user_Bd = self.model.user(self.batch.items, self.batch.lengths, self.batch.timestamps)
            return target_ranks(user_Bd, items_Id, self.batch.targets, self.batch.items)


def _log_profile(step: Work, what: str) -> None:
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiled:
        step()
    operators = profiled.key_averages(group_by_input_shape=True)
    logger.info("one training step, %s:", what)
    logger.info("%s", operators.table(sort_by="self_cpu_time_total", row_limit=40, max_shapes_column_width=70))


if __name__ == "__main__":
    main("step", StepOptions, measure)
