"""The SSD sum with every pair of positions at once (Dao & Gu, arXiv 2405.21060, equation 16): for short windows.

Shapes: B batch, L positions, H heads, P head dim, N state.
"""

from torch import Tensor

from model.ops.ssd.decays import Decays
from model.ops.ssd.inputs import Inputs
from model.ops.ssd.mix import mix
from model.ops.ssd.write import write


def quadratic(given: Inputs, with_state: bool) -> tuple[Tensor, Tensor | None]:
    """``(y_BLHP, final_BHNP)``; time and memory grow with ``B·H·L²``."""
    dt_HBL = given.dt_BLH.permute(2, 0, 1)
    decays = Decays(dt_HBL * given.A_H[:, None, None], given.starts_BL)
    reach_HBL = None if given.initial_BHNP is None else decays.from_before()
    y_BLHP = mix(
        given.x_BLHP,
        given.B_BLGN,
        given.C_BLGN,
        decays.between(dt_HBL),
        given.skip_BLH.permute(2, 0, 1),
        reach_HBL,
        given.initial_BHNP,
    )
    if not with_state:
        return y_BLHP, None
    written_HBNP = write(given.x_BLHP, given.B_BLGN, decays.to_end() * dt_HBL)
    final_BHNP = written_HBNP.transpose(0, 1).to(given.dt_BLH.dtype)
    if reach_HBL is None or given.initial_BHNP is None:
        return y_BLHP, final_BHNP
    return y_BLHP, final_BHNP + reach_HBL[..., -1].T[..., None, None] * given.initial_BHNP
