"""The SSD operator read at few positions: what the last layer needs when only a row's end is wanted.

Shapes: B batch, L positions, R reads, H heads, P head dim, G groups (H a multiple of G), N state.
"""

import torch
from torch import Tensor

from model.ops.last import take
from model.ops.ssd import Skip


def ssd_at(
    x_BLHP: Tensor,
    dt_BLH: Tensor,
    A_H: Tensor,
    B_BLGN: Tensor,
    C_BRGN: Tensor,
    D_H: Tensor,
    at_BR: Tensor,
    skip: Skip = "scaled",
) -> Tensor:
    """``ssd`` (see there) at the positions ``at`` alone, in O(R·L).

    Args:
        x_BLHP: the stream, in heads.
        dt_BLH: step sizes, positive.
        A_H: decay rate of each head, negative.
        B_BLGN: what each position writes to the state.
        C_BRGN: what each wanted position reads from it.
        D_H: weight of the skip.
        at_BR: wanted positions; below 0 means before the history, where y is 0.
        skip: ``scaled`` or ``plain``.

    Returns:
        ``y_BRHP``.
    """
    length = x_BLHP.shape[1]
    valid_BR11 = (at_BR >= 0)[..., None, None]
    decay_BLH = (dt_BLH * A_H).cumsum(dim=1)
    gap_BRLH = take(decay_BLH, at_BR).unsqueeze(2) - decay_BLH.unsqueeze(1)
    future_BRL = torch.arange(length, device=at_BR.device) > at_BR.unsqueeze(-1)
    kernel_BRLH = gap_BRLH.masked_fill(future_BRL.unsqueeze(-1), -torch.inf).exp() * dt_BLH.unsqueeze(1)
    match_BGRL = C_BRGN.transpose(1, 2) @ B_BLGN.permute(0, 2, 3, 1)
    kernel_BGERL = kernel_BRLH.permute(0, 3, 1, 2).reshape(len(at_BR), B_BLGN.shape[2], -1, *future_BRL.shape[1:])
    weights_BHRL = (kernel_BGERL * match_BGRL.unsqueeze(2)).flatten(1, 2)
    y_BRHP: Tensor = (weights_BHRL @ x_BLHP.transpose(1, 2)).transpose(1, 2)
    x_BRHP = take(x_BLHP, at_BR)
    if skip == "scaled":
        x_BRHP = x_BRHP * take(dt_BLH, at_BR).unsqueeze(-1)
    y_BRHP = y_BRHP + D_H.unsqueeze(-1) * x_BRHP
    return y_BRHP * valid_BR11
