"""What the benchmarks count and how they time, on work of known size."""

from pathlib import Path

import pytest
import torch

from bench.flops import matmul_gflop
from bench.harness import compare, once
from bench.histories import make_histories
from bench.memory import peak_memory
from bench.options import Options
from bench.report import table, write_result

CPU = torch.device("cpu")


def test_products_count_forward_and_backward_and_convolutions_do_not() -> None:
    left = torch.randn(30, 50, requires_grad=True)
    right = torch.randn(50, 70, requires_grad=True)
    assert matmul_gflop(lambda: left @ right) == 2 * 30 * 50 * 70 / 1e9
    assert matmul_gflop(lambda: (left @ right).sum().backward()) == 3 * 2 * 30 * 50 * 70 / 1e9
    linear = torch.nn.Linear(50, 7)
    assert matmul_gflop(lambda: linear(left)) == 2 * 30 * 50 * 7 / 1e9
    batched = torch.randn(4, 5, 6)
    assert matmul_gflop(lambda: batched @ batched.transpose(1, 2)) == 2 * 4 * 5 * 6 * 5 / 1e9
    conv = torch.nn.Conv1d(6, 6, 3, groups=6)
    assert matmul_gflop(lambda: conv(torch.randn(2, 6, 20)).sum().backward()) == 0


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is read from Linux /proc")
def test_peak_is_of_this_work_alone() -> None:
    mebibytes = 1 << 18  # float32 numbers
    large = peak_memory(lambda: torch.ones(200 * mebibytes), CPU)
    small = peak_memory(lambda: torch.ones(50 * mebibytes), CPU)
    assert large is not None and small is not None
    assert 195 < large.added < 230 and 45 < small.added < 80, "an earlier, higher peak does not stay"
    assert large.total > large.added


def test_variants_take_turns_after_their_warm_up() -> None:
    calls: list[str] = []
    timed = compare({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 7, CPU)
    assert calls[:4] == ["a", "b", "a", "b"], "twice to warm up, the second time for its peak"
    assert calls[4:] == ["a", "b"] * ((len(calls) - 4) // 2)
    assert all(len(measured.seconds) * 2 == len(calls) - 4 >= 14 for measured in timed.values())
    assert once(lambda: calls.append("c"), CPU).row()["rounds"] == 1 and calls.count("c") == 1


def test_histories_are_padded_on_the_right() -> None:
    made = make_histories(500, 20, 9, "short", CPU)
    valid = torch.arange(20) < made.lengths.unsqueeze(1)
    assert ((made.items > 0) == valid).all() and ((made.timestamps > 0) == valid).all()
    assert made.items.max() == 9 and made.lengths.min() == 1 and 5 < made.lengths.float().mean() < 7
    assert (make_histories(3, 4, 9, "full", CPU).lengths == 4).all()


def test_sizes_go_by_the_preset_unless_they_are_told() -> None:
    from bench.step import StepOptions

    assert (StepOptions().batch, StepOptions(size="smallest").batch, StepOptions(batch=3).batch) == (1024, 32, 3)
    with pytest.raises(ValueError, match="--repeats 0: it counts from 1"):
        Options(repeats=0)


def test_result_is_named_after_day_benchmark_and_processor(tmp_path: Path) -> None:
    told = {"benchmark": "step", "date": "2026-01-02T03:04:05+00:00", "machine": {"cpu": "Any (R) CPU @ 2 GHz"}}
    assert write_result(told, tmp_path).name == "2026-01-02-step-any-r-cpu-2-ghz.json"
    told["machine"] = {"cpu": "Any", "gpu": "NVIDIA H200"}
    assert write_result(told, tmp_path).name == "2026-01-02-step-nvidia-h200.json"
    assert len(list(tmp_path.iterdir())) == 2, "no temporary file stays"


def test_table_has_every_column_once() -> None:
    lines = table([{"work": "a", "seconds": 0.123456}, {"work": "b", "skipped": "why"}]).splitlines()
    assert lines[0].split() == ["work", "seconds", "skipped"]
    assert lines[2].split() == ["a", "0.1235"] and lines[3].split() == ["b", "why"]
