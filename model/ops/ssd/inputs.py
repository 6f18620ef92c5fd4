"""What every form of the SSD operator is given.

Shapes: B batch, L positions, H heads, P head dim, G groups (H a multiple of G), N state.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Inputs:
    """One scan: x, B, C of one dtype, all else in float32 at least; steps beyond a row's length are 0."""

    x_BLHP: Tensor
    dt_BLH: Tensor
    A_H: Tensor
    B_BLGN: Tensor
    C_BLGN: Tensor
    skip_BLH: Tensor  # what x is multiplied with to be added to y
    initial_BHNP: Tensor | None = None  # the state before the first position, zeros where None
    starts_BL: Tensor | None = None  # bool: the state is forgotten before this position


Run = Callable[[Inputs, bool], tuple[Tensor, Tensor | None]]
"""A form: ``(inputs, with_state) → (y_BLHP, final_BHNP)``, the final state None where it is not asked for."""
