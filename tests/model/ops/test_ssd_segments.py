"""Histories packed in one row, and padded ones: what is not of a history does not reach it."""

import pytest
import torch
from torch import Tensor

from model.ops.ssd import Form, ssd_with_state
from tests.model.ops.scans import assert_same
from tests.model.ops.ssd_inputs import BATCH, draw, outcome

FORMS = ["quadratic", "chunked", "recurrent"]
LENGTH = 150
STARTS = [0, 20, 64, 65, 140]  # of the segments of the first row, one at a chunk's edge, one of length 1


def marked(*starts: int) -> Tensor:
    starts_BL = torch.zeros(BATCH, LENGTH, dtype=torch.bool)
    starts_BL[0, list(starts)] = True
    return starts_BL


def cut(tensors: list[Tensor], begin: int, end: int) -> list[Tensor]:
    return [tensor[:, begin:end] if tensor.shape[1:2] == (LENGTH,) else tensor for tensor in tensors]


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("starts", [STARTS, STARTS[1:], [LENGTH - 1]], ids=["from 0", "unmarked row", "last"])
def test_forms_are_equal_with_starts_and_an_initial_state(groups: int, starts: list[int]) -> None:
    tensors = draw(LENGTH, groups)
    expected = outcome(tensors, starts_BL=marked(*starts), form="recurrent")
    for form in ("quadratic", "chunked"):
        assert_same(outcome(tensors, starts_BL=marked(*starts), form=form), expected)


@pytest.mark.parametrize("form", FORMS)
def test_a_packed_segment_equals_itself_alone(form: Form) -> None:
    tensors = draw(LENGTH, 2)
    y, final = ssd_with_state(*tensors[:6], initial_BHNP=tensors[6], starts_BL=marked(*STARTS[1:]), form=form)
    for begin, end in zip(STARTS, [*STARTS[1:], LENGTH], strict=True):
        initial = tensors[6] if begin == 0 else None
        alone, left = ssd_with_state(*cut(tensors[:6], begin, end), initial_BHNP=initial, form=form)
        torch.testing.assert_close(y[0, begin:end], alone[0], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(final[0], left[0], rtol=1e-9, atol=1e-9)
    plain, plain_final = ssd_with_state(*tensors[:6], initial_BHNP=tensors[6], form=form)
    torch.testing.assert_close(y[1], plain[1], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(final[1], plain_final[1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_changing_a_segment_moves_nothing_elsewhere(form: Form) -> None:
    tensors = draw(LENGTH, 2)
    before, final = ssd_with_state(*tensors[:6], starts_BL=marked(*STARTS), form=form)
    changed = [tensor.clone() for tensor in tensors[:6]]
    for index in (0, 1, 3, 4):
        changed[index][0, 20:64] = changed[index][0, 20:64].flip(0) * 2
    after, final_after = ssd_with_state(*changed, starts_BL=marked(*STARTS), form=form)
    assert not torch.allclose(after[0, 20:64], before[0, 20:64])
    after[0, 20:64] = before[0, 20:64]
    torch.testing.assert_close(after, before, rtol=0, atol=1e-12)
    torch.testing.assert_close(final_after, final, rtol=0, atol=1e-12)


def test_a_huge_step_before_a_start_costs_what_follows_no_precision() -> None:
    tensors = [tensor.float() for tensor in draw(60, 1)[:6]]
    starts_BL = torch.zeros(BATCH, 60, dtype=torch.bool)
    starts_BL[:, 64 // 2] = True
    tensors[1][:, 10] = 1e3
    y, _ = ssd_with_state(*tensors, starts_BL=starts_BL, form="quadratic")
    expected, _ = ssd_with_state(*[tensor.double() for tensor in tensors], starts_BL=starts_BL, form="recurrent")
    torch.testing.assert_close(y, expected.float(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lengths", [(150, 0), (1, 149), (64, 65)])
def test_what_is_padded_on_the_right_changes_nothing(form: Form, lengths: tuple[int, int]) -> None:
    tensors = draw(LENGTH, 2)
    lengths_B = torch.tensor(lengths)
    starts_BL = marked(30, 100)
    counted_BL = torch.arange(LENGTH) < lengths_B.unsqueeze(-1)
    got = outcome(tensors, counted_BL, lengths_B=lengths_B, starts_BL=starts_BL, form=form)
    garbage = [tensor.clone() for tensor in tensors]
    for index in (0, 1, 3, 4):
        garbage[index][~counted_BL] = 1e3
    same = outcome(garbage, counted_BL, lengths_B=lengths_B, starts_BL=starts_BL, form=form)
    assert_same(same, got)
    for row, length in enumerate(lengths):
        alone, final = ssd_with_state(
            *cut(tensors[:6], 0, length), initial_BHNP=tensors[6], starts_BL=starts_BL[:, :length], form=form
        )
        torch.testing.assert_close(got["y"][row, :length], alone[row], rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(got["final"][row], final[row], rtol=1e-9, atol=1e-9)
