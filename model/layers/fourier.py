"""The dual-channel Fourier adaptive filter of the window form (MODELS §1.6).

Shapes: B batch, H heads, L window, W = L//2 + 1 frequency bins.
"""

import torch
from torch import Tensor, nn


class ComplexLinear(nn.Module):
    """A complex affine map over bins: ``re = R·re + b_R - (J·im + b_J)``, ``im = (J·re + b_J) + (R·im + b_R)``."""

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.real = nn.Linear(bins, bins)
        self.imag = nn.Linear(bins, bins)

    def forward(self, spectrum: Tensor) -> Tensor:
        """Complex ``(…, W)`` to the same."""
        re, im = spectrum.real, spectrum.imag
        return torch.complex(self.real(re) - self.imag(im), self.imag(re) + self.real(im))


class DualChannelFilter(nn.Module):
    """Each modality's time signal filters itself (adaptive); a learned map mixes their sum.

    ``S_m = rfft(τ_m)``, ``S_m ← (M_m S_m) ⊙ S_m``, ``τ_c = irfft(M_c (S_text + S_image))``, ortho norm.
    """

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window
        self.text = ComplexLinear(window // 2 + 1)
        self.image = ComplexLinear(window // 2 + 1)
        self.joint = ComplexLinear(window // 2 + 1)

    def forward(self, tau_text_BHL: Tensor, tau_image_BHL: Tensor) -> Tensor:
        """Two ``(B, H, L)`` signals to the fused one."""
        with torch.autocast(tau_text_BHL.device.type, enabled=False):  # transforms have no narrow types
            text, image = (torch.fft.rfft(_wide(tau), norm="ortho") for tau in (tau_text_BHL, tau_image_BHL))
            fused = self.joint(self.text(text) * text + self.image(image) * image)
            tau_BHL: Tensor = torch.fft.irfft(fused, n=self.window, norm="ortho")
        return tau_BHL


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
