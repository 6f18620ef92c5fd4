"""Lines ``[user, [[item, timestamp], …]]`` to numbers, a block of them at once: no Python object an event.

Shapes: R rows, E events.
"""

import re
import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SPACE, _DIGITS = b" \t\r", b"0123456789"
_EVENT, _MARK = b",[,]", b"\0"
_LINES = re.compile(rb"(?:\[,\[\[,\]\0*\]\]\n)*")
_BARE_LINE = len(b"[,[[,]]]")
_NUMBERS = bytes.maketrans(b"[]\n", b"  ,")
_LARGEST = 2**63 - 1


class PlainRows(NamedTuple):
    """Users ``(R,)``, events a row ``(R,)``, pairs of item and timestamp ``(E, 2)``."""

    users: NDArray[np.int64]
    lengths: NDArray[np.int64]
    pairs: NDArray[np.int64]


def parse_plain(text: bytes) -> PlainRows | None:
    r"""The rows of lines that hold nothing but natural numbers in the form above, with any white space.

    Without its numbers such a line reads ``[,[[,],[,]]]``, a ``,[,]`` for each event but the first, which is
    checked for all lines by one replacement and one match. Without its brackets it is numbers between commas.
    (A ``\0`` in the file cannot pass for a replaced event: it is no number.)

    Args:
        text: whole lines; the last one may lack its end.

    Returns:
        None where a line is blank or has another form, or a number does not fit 63 bits: the caller reads the
        lines one by one, and names the fault if there is one.
    """
    if not text.endswith(b"\n"):
        text += b"\n"
    packed = text.translate(None, _SPACE)
    skeleton = packed.translate(None, _DIGITS).replace(_EVENT, _MARK)
    if not _LINES.fullmatch(skeleton):
        return None
    ends_R = np.flatnonzero(np.frombuffer(skeleton, np.uint8) == ord("\n"))
    lengths_R = np.diff(ends_R, prepend=-1) - _BARE_LINE
    numbers = len(lengths_R) + 2 * int(lengths_R.sum())
    values = _naturals(text) if _well_placed(packed, numbers) else None
    if values is None or len(values) != numbers:
        return None
    at_R = np.cumsum(2 * lengths_R + 1) - (2 * lengths_R + 1)
    return PlainRows(values[at_R], lengths_R, np.delete(values, at_R).reshape(-1, 2))


def _well_placed(packed: bytes, numbers: int) -> bool:
    """So many runs of digits, none outside its brackets and none like 07, which is not JSON."""
    characters = np.frombuffer(packed, np.uint8)
    digit = characters - np.uint8(ord("0")) < 10  # what stands before "0" wraps round
    starts = digit[1:] & ~digit[:-1]
    outside = (digit[:-1] & (characters[1:] == ord("["))) | (starts & (characters[:-1] == ord("]")))
    padded = starts[:-1] & digit[2:] & (characters[1:-1] == ord("0"))
    return not (outside.any() or padded.any()) and np.count_nonzero(starts) == numbers


def _naturals(text: bytes) -> NDArray[np.int64] | None:
    """The numbers between commas, brackets and line ends; None where two have only space between them."""
    try:
        with warnings.catch_warnings(action="error"):
            values = np.fromstring(text.translate(_NUMBERS)[:-1], np.int64, sep=",")
    except (ValueError, DeprecationWarning):
        return None
    return None if (values == _LARGEST).any() else values  # what is larger is read as the largest
