"""What a causal model is told of time."""

import math

import pytest
import torch
from torch import Tensor

from model.layers.gaps import DAY, WEEK, GapEncoding
from model.state import Carry

NOW, YEAR = 1_500_000_000, 365 * DAY
KNOTS = 16
#: Gap unknown, whatever the clock says.
UNKNOWN = torch.tensor([0.0] * KNOTS + [1.0])


def encode(*timestamps: int, periodic: bool = False) -> Tensor:
    """``(L, F)`` of one history."""
    return GapEncoding(KNOTS, periodic)(torch.tensor([timestamps]))[0]


def of_gap(seconds: int, start: int = NOW) -> Tensor:
    return encode(start, start + seconds)[1]


def place(features_F: Tensor) -> float:
    """Where on the scale of knots a gap lies."""
    assert features_F[KNOTS] == 0, "the gap is known"
    assert features_F.sum() == pytest.approx(1) and (features_F > 0).sum() <= 2, "between two neighbours"
    return float(features_F[:KNOTS] @ torch.arange(KNOTS, dtype=torch.float32))


# -- the scale ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 1, 2, 59, 3600, DAY, WEEK, 30 * DAY, YEAR, 10 * YEAR, 20 * YEAR])
def test_a_gap_lies_on_a_log_scale_from_a_second_to_twenty_years(seconds: int) -> None:
    assert place(of_gap(seconds)) == pytest.approx(15 * math.log1p(seconds) / math.log1p(20 * YEAR), abs=1e-3)


def test_both_ends_of_the_scale() -> None:
    first, last = torch.eye(KNOTS + 1)[0], torch.eye(KNOTS + 1)[KNOTS - 1]
    assert torch.equal(of_gap(0), first)
    torch.testing.assert_close(of_gap(20 * YEAR), last, rtol=0, atol=1e-5)
    assert torch.equal(of_gap(500 * YEAR), of_gap(20 * YEAR)), "longer ones count as twenty years"


@pytest.mark.parametrize("start", [1, NOW, 2**40, 2**62])
def test_seconds_are_told_apart_however_large_the_timestamps(start: int) -> None:
    """float32 knows 1.5e9 to 128 seconds only: the gap is taken before anything is rounded."""
    assert torch.equal(of_gap(1, start), of_gap(1, 1)) and torch.equal(of_gap(2, start), of_gap(2, 1))
    assert place(of_gap(2, start)) - place(of_gap(1, start)) > 0.2


def test_a_gap_below_zero_counts_as_none() -> None:
    assert torch.equal(of_gap(-5), of_gap(0)) and torch.equal(of_gap(1 - NOW), of_gap(0))


# -- nothing known ------------------------------------------------------------------------------------


def test_a_timestamp_of_zero_is_unknown_on_both_sides() -> None:
    features = encode(NOW, 0, NOW + 9, NOW + 10)
    assert all(torch.equal(features[at], UNKNOWN) for at in range(3))
    assert torch.equal(features[3], of_gap(1))


def test_no_timestamps_are_no_information() -> None:
    assert torch.equal(encode(0, 0, 0), UNKNOWN.expand(3, -1))
    assert torch.equal(encode(0, 0, 0, periodic=True)[:, KNOTS + 1 :], torch.zeros(3, 4))


@pytest.mark.parametrize("constant", [1, NOW])
def test_constant_timestamps_are_constant(constant: int) -> None:
    features = encode(constant, constant, constant, constant)
    assert torch.equal(features[0], UNKNOWN) and torch.equal(features[1:], of_gap(0).expand(3, -1))


# -- day and week -------------------------------------------------------------------------------------


@pytest.mark.parametrize("timestamp", [1, NOW, NOW + 1, 2**40 + 12_345])
def test_periodic_features_are_the_phases_of_day_and_week(timestamp: int) -> None:
    phases = [2 * math.pi * (timestamp % period) / period for period in (DAY, WEEK)]
    expected = [wave(phase) for phase in phases for wave in (math.sin, math.cos)]
    features = encode(timestamp, periodic=True)
    assert features.shape == (1, GapEncoding(KNOTS, periodic=True).features)
    torch.testing.assert_close(features[0, KNOTS + 1 :], torch.tensor(expected), rtol=0, atol=1e-5)


def test_a_day_later_is_the_same_hour_and_a_week_later_the_same_day() -> None:
    waves = encode(NOW, NOW + DAY, NOW + WEEK, 0, periodic=True)[:, KNOTS + 1 :]
    assert torch.equal(waves[1, :2], waves[0, :2]) and not torch.allclose(waves[1, 2:], waves[0, 2:])
    assert torch.equal(waves[2], waves[0])
    assert torch.equal(waves[3], torch.zeros(4))


# -- further events -----------------------------------------------------------------------------------


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("cut", [1, 2, 4])
def test_a_carry_goes_on(cut: int, periodic: bool) -> None:
    gaps = GapEncoding(KNOTS, periodic)
    times = torch.tensor([[NOW, NOW + 3, NOW + 3, 0, NOW + 9], [7, 0, 0, 8, 9]])
    first = Carry({}, torch.tensor([cut, cut]))
    before = gaps(times[:, :cut], first)
    after = gaps(times[:, cut:], Carry(first.after, torch.tensor([5 - cut] * 2)))
    assert torch.equal(torch.cat([before, after], 1), gaps(times))


def test_a_carry_keeps_the_last_valid_timestamp_to_the_second() -> None:
    """Rows of two events, one and none; what stands beyond them is padding."""
    carry = Carry({"last": torch.tensor([2**40 + 1, 5, 6])}, torch.tensor([2, 1, 0]))
    GapEncoding(KNOTS)(torch.tensor([[2**40 + 2, 2**40 + 3, 0], [9, 0, 0], [0, 0, 0]]), carry)
    assert carry.after["last"].tolist() == [2**40 + 3, 9, 6] and carry.after["last"].dtype == torch.int64
