"""Histories packed in one row, and padded ones: what is not of a history does not reach it."""

import pytest
import torch
from torch import Tensor

from model.ops.selective_scan import Form, selective_scan_with_state
from tests.model.ops.scan_inputs import BATCH, draw, outcome
from tests.model.ops.scans import assert_same

FORMS = ["chunked", "recurrent"]
LENGTH = 150  # three chunks of 50
STARTS = [0, 20, 50, 51, 140]  # of the segments of the first row, one at a chunk's edge, one of length 1


def marked(*starts: int) -> Tensor:
    starts_BL = torch.zeros(BATCH, LENGTH, dtype=torch.bool)
    starts_BL[0, list(starts)] = True
    return starts_BL


def cut(tensors: list[Tensor], begin: int, end: int) -> list[Tensor]:
    return [tensor[:, begin:end] if tensor.shape[1:2] == (LENGTH,) else tensor for tensor in tensors]


@pytest.mark.parametrize("starts", [STARTS, STARTS[1:], [LENGTH - 1]], ids=["from 0", "unmarked row", "last"])
def test_forms_are_equal_with_starts_and_an_initial_state(starts: list[int]) -> None:
    tensors = draw(LENGTH)
    expected = outcome(tensors, starts_BL=marked(*starts), form="recurrent")
    assert_same(outcome(tensors, starts_BL=marked(*starts), form="chunked"), expected)


@pytest.mark.parametrize("form", FORMS)
def test_a_packed_segment_equals_itself_alone(form: Form) -> None:
    tensors = draw(LENGTH)
    y, final = selective_scan_with_state(*tensors[:6], initial_BDN=tensors[6], starts_BL=marked(*STARTS[1:]), form=form)
    for begin, end in zip(STARTS, [*STARTS[1:], LENGTH], strict=True):
        initial = tensors[6] if begin == 0 else None
        alone, left = selective_scan_with_state(*cut(tensors[:6], begin, end), initial_BDN=initial, form=form)
        torch.testing.assert_close(y[0, begin:end], alone[0], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(final[0], left[0], rtol=1e-9, atol=1e-9)
    plain, plain_final = selective_scan_with_state(*tensors[:6], initial_BDN=tensors[6], form=form)
    torch.testing.assert_close(y[1], plain[1], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(final[1], plain_final[1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lengths", [(150, 0), (1, 149), (50, 51)])
def test_what_is_padded_on_the_right_changes_nothing(form: Form, lengths: tuple[int, int]) -> None:
    tensors = draw(LENGTH)
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
        alone, final = selective_scan_with_state(
            *cut(tensors[:6], 0, length), initial_BDN=tensors[6], starts_BL=starts_BL[:, :length], form=form
        )
        torch.testing.assert_close(got["y"][row, :length], alone[row], rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(got["final"][row], final[row], rtol=1e-9, atol=1e-9)
