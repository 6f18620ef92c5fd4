"""Time and memory against history length, items and batch, with pictures: ``python -m bench.scaling``."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.harness import Work, compare
from bench.histories import make_histories
from bench.operator import OperatorOptions, ssd_works
from bench.options import Options, sized
from bench.picture import draw_curves
from bench.report import Row
from bench.run import Rates, main
from bench.training import make_causal, make_model, make_step, make_step_at_every_position


@dataclass
class ScalingOptions(Options):
    """A training step of WindowMMM4Rec in float32 against L, items and batch, and the SSD operator against L.

    And one of MMM4Rec, the causal form, over histories of any length, each position a target: few histories, so that
    the longest fit.

    One thing varies, the others stand still. Each curve is drawn to ``scaling-<curve>.svg`` beside the result.

    Args:
        windows: L of the step, full windows (20 to 200; smallest 5 and 9).
        items: of the catalogue (1000 to 1000000; smallest 20 and 200).
        batches: histories a step (64 to 4096; smallest 8 and 16).
        operator_lengths: L of the operator, one history a call (64 to 32768; smallest 5 and 70).
        histories: lengths of the causal form's (50 to 3200; smallest 3 and 70).
        few: of these a step (16; smallest 2).
        hidden: d (64; smallest 8).
        batch: histories where the batch does not vary (256; smallest 8).
        window: L where it does not vary (20; smallest 5).
        catalogue: items where they do not vary (4385; smallest 20).
        features: width of each modality's (64; smallest 8).
    """

    windows: tuple[int, ...] = sized((20, 50, 100, 200), (5, 9))
    items: tuple[int, ...] = sized((1000, 10_000, 100_000, 1_000_000), (20, 200))
    batches: tuple[int, ...] = sized((64, 256, 1024, 4096), (8, 16))
    operator_lengths: tuple[int, ...] = sized((64, 256, 1024, 4096, 16_384, 32_768), (5, 70))
    histories: tuple[int, ...] = sized((50, 100, 200, 400, 800, 1600, 3200), (3, 70))
    few: int = sized(16, 2)
    hidden: int = sized(64, 8)
    batch: int = sized(256, 8)
    window: int = sized(20, 5)
    catalogue: int = sized(4385, 20)
    features: int = sized(64, 8)


def measure(options: ScalingOptions, rates: Rates) -> Iterator[Row]:
    """Rows of each curve: which one, where on it, seconds and memory."""
    for window in options.windows:
        yield _step(options, "length", window, window=window)
    for items in options.items:
        yield _step(options, "items", items, items=items)
    for batch in options.batches:
        yield _step(options, "batch", batch, batch=batch)
    for length in options.histories:
        yield _every_position(options, length)
    for length in options.operator_lengths:
        yield from _operator(options, length)


def _step(
    options: ScalingOptions,
    curve: str,
    at: int,
    window: int | None = None,
    items: int | None = None,
    batch: int | None = None,
) -> Row:
    window, items = window or options.window, items or options.catalogue
    model = make_model(options.hidden, window, items, options.features, options.where)
    histories = make_histories(batch or options.batch, window, items, "full", options.where)
    step: dict[str, Work] = {"training step": make_step(model, histories, autocast=False)}
    return next(_points(options, curve, at, step))


def _every_position(options: ScalingOptions, length: int) -> Row:
    model = make_causal(options.hidden, options.catalogue, options.features, options.where)
    histories = make_histories(options.few, length, options.catalogue, "full", options.where)
    step: dict[str, Work] = {"every position": make_step_at_every_position(model, histories)}
    return next(_points(options, "history", length, step))


def _operator(options: ScalingOptions, length: int) -> Iterator[Row]:
    sizes = OperatorOptions(size=options.size, device=options.device)
    works = ssd_works(sizes, 1, length)
    yield from _points(options, "operator", length, {name: works[name] for name in works if "recurrent" not in name})


def _points(options: ScalingOptions, curve: str, at: int, works: dict[str, Work]) -> Iterator[Row]:
    for work, measured in compare(works, options.repeats, options.where).items():
        yield {"curve": curve, "at": at, "work": work, **measured.row()}


if __name__ == "__main__":
    main("scaling", ScalingOptions, measure, draw_curves)
