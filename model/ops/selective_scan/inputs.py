"""What every form of the selective scan is given.

Shapes: B batch, L positions, D channels, N state.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Inputs:
    """One scan, all of one dtype, float32 at least; steps beyond a row's length are 0."""

    x_BLD: Tensor
    dt_BLD: Tensor
    A_DN: Tensor
    B_BLN: Tensor
    C_BLN: Tensor
    initial_BDN: Tensor | None = None  # the state before the first position, zeros where None
    starts_BL: Tensor | None = None  # bool: the state is forgotten before this position


Run = Callable[[Inputs], tuple[Tensor, Tensor]]
"""A form: ``inputs → (y_BLD without the skip, final_BDN)``."""
