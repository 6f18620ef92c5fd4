"""The SSD sum by mamba_ssm's Triton kernels, where that package and a GPU are at hand.

Written from the documented arguments of ``mamba_chunk_scan_combined``: x ``(B, L, H, P)``, dt ``(B, L, H)``,
B and C ``(B, L, G, N)``, states ``(B, H, P, N)``, ``seq_idx`` int32 ``(B, L)`` counted from 0, whose 0 the
initial state belongs to.

Shapes: B batch, L positions, H heads, P head dim, N state.
"""

from importlib import import_module

from torch import Tensor

from model.ops.segments import segment_ids
from model.ops.ssd.inputs import Inputs

CHUNK = 256


def triton(given: Inputs, with_state: bool) -> tuple[Tensor, Tensor | None]:
    """``(y_BLHP, final_BHNP)``. The skip is added here, since the kernel knows the plain one alone."""
    kernels = import_module("mamba_ssm.ops.triton.ssd_combined")
    initial_BHPN = None if given.initial_BHNP is None else given.initial_BHNP.mT.contiguous()
    read_BLHP, final_BHPN = kernels.mamba_chunk_scan_combined(
        given.x_BLHP,
        given.dt_BLH,
        given.A_H,
        given.B_BLGN,
        given.C_BLGN,
        CHUNK,
        initial_states=initial_BHPN,
        seq_idx=None if given.starts_BL is None else segment_ids(given.starts_BL).int(),
        return_final_states=True,
    )
    y_BLHP = read_BLHP + given.skip_BLH.unsqueeze(-1).to(read_BLHP.dtype) * given.x_BLHP
    return y_BLHP, final_BHPN.mT.to(given.dt_BLH.dtype) if with_state else None
