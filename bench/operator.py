"""The operators that every history runs through, against its length: ``python -m bench.operator``.

Shapes: B batch, L positions, H heads, P head dim, G groups, N state, D channels, K kernel width.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

import torch
from torch import Tensor

from bench.harness import Work, compare
from bench.options import Options, sized
from bench.report import Row
from bench.run import Rates, main
from model.ops.causal_conv import causal_conv
from model.ops.selective_scan import selective_scan
from model.ops.ssd import ssd

Operator = Callable[..., Tensor]


@dataclass
class OperatorOptions(Options):
    """SSD in its forms, the causal convolution and the selective scan, forward and with their gradients.

    The batch shrinks as histories grow, so that each call has the same number of positions: linear cost is the
    same time in each row.

    Args:
        lengths: L (20 to 32768; smallest 5 and 70).
        positions: B·L, about (32768; smallest 140).
        scan_positions: the same for the selective scan, whose states take more memory (4096; smallest 140).
        heads: H, and as many groups (8; smallest 2).
        head_dim: P (64; smallest 4).
        state: N (64; smallest 4).
        channels: D of convolution and scan (256; smallest 8).
        quadratic: measure the quadratic form up to this length (1024; smallest 70).
        recurrent: measure the recurrent forms up to this length (64; smallest 5).
    """

    lengths: tuple[int, ...] = sized((20, 64, 256, 1024, 4096, 32768), (5, 70))
    positions: int = sized(32768, 140)
    scan_positions: int = sized(4096, 140)
    heads: int = sized(8, 2)
    head_dim: int = sized(64, 4)
    state: int = sized(64, 4)
    channels: int = sized(256, 8)
    quadratic: int = sized(1024, 70)
    recurrent: int = sized(64, 5)


def measure(options: OperatorOptions, rates: Rates) -> Iterator[Row]:
    """Rows of each operator, form and length."""
    for length in options.lengths:
        for name, make, positions in (
            ("ssd", ssd_works, options.positions),
            ("causal_conv", _conv_works, options.positions),
            ("selective_scan", _scan_works, options.scan_positions),
        ):
            batch = max(1, positions // length)
            timed = compare(make(options, batch, length), options.repeats, options.where)
            for work, measured in timed.items():
                form, _, direction = work.partition(", ")
                told = {"operator": name, "form": form, "pass": direction, "B": batch, "L": length}
                speed = {"ns/position": 1e9 * measured.median / (batch * length)}
                yield {**told, **measured.row(), **speed}


def ssd_works(options: OperatorOptions, batch: int, length: int) -> dict[str, Work]:
    """The SSD's forms that are sensible at this length, forward and with gradients."""
    H, N = options.heads, options.state
    inputs = (
        _made(options, batch, length, H, options.head_dim),
        _made(options, batch, length, H, sign=1),
        _made(options, H, sign=-1),
        _made(options, batch, length, H, N),
        _made(options, batch, length, H, N),
        _made(options, H),
    )
    return _both(ssd, inputs, _forms(options, length, "triton", quadratic=True))


def _scan_works(options: OperatorOptions, batch: int, length: int) -> dict[str, Work]:
    D, N = options.channels, options.state
    inputs = (
        _made(options, batch, length, D),
        _made(options, batch, length, D, sign=1),
        _made(options, D, N, sign=-1),
        _made(options, batch, length, N),
        _made(options, batch, length, N),
        _made(options, D),
    )
    return _both(selective_scan, inputs, _forms(options, length, "cuda", quadratic=False))


def _conv_works(options: OperatorOptions, batch: int, length: int) -> dict[str, Work]:
    D = options.channels
    inputs = (_made(options, batch, length, D), _made(options, D, 4), _made(options, D))
    return _both(causal_conv, inputs, {"": {}})


def _forms(options: OperatorOptions, length: int, kernel: str, quadratic: bool) -> dict[str, dict[str, str]]:
    names = ["chunked"]
    if quadratic and length <= options.quadratic:
        names.insert(0, "quadratic")
    if length <= options.recurrent:
        names.append("recurrent")
    if options.where.type == "cuda" and find_spec("mamba_ssm"):
        names.append(kernel)
    return {name: {"form": name} for name in names}


def _both(operator: Operator, inputs: tuple[Tensor, ...], forms: Mapping[str, Mapping[str, str]]) -> dict[str, Work]:
    works: dict[str, Work] = {}
    for name, form in forms.items():
        works[f"{name}, forward"] = _forward(operator, inputs, form)
        works[f"{name}, with gradients"] = _with_gradients(operator, inputs, form)
    return works


def _forward(operator: Operator, inputs: tuple[Tensor, ...], form: Mapping[str, str]) -> Work:
    def run() -> Tensor:
        with torch.no_grad():
            return operator(*inputs, **form)

    return run


def _with_gradients(operator: Operator, inputs: tuple[Tensor, ...], form: Mapping[str, str]) -> Work:
    return lambda: torch.autograd.grad(operator(*inputs, **form).sum(), inputs)


def _made(options: Options, *shape: int, sign: int = 0) -> Tensor:
    """Normal values, or uniform ones of a sign."""
    values = sign * torch.rand(shape) if sign else torch.randn(shape)
    return values.to(options.where).requires_grad_()


if __name__ == "__main__":
    main("operator", OperatorOptions, measure)
