"""One layer of MMM4Rec in the window form (MODELS §1.3 to §1.8).

Shapes: B batch, L window, d hidden, H heads.
"""

from typing import NamedTuple

from torch import Tensor, nn

from model.layers.dropout import Dropout
from model.layers.ffn import FeedForward
from model.layers.fourier import DualChannelFilter
from model.layers.ssd import CrossSSD, SSDSizes, TiSSD
from model.layers.window_time import TimeResidual, TimeScale


class Streams(NamedTuple):
    """What a layer passes on: two streams ``(B, L, d)`` and their time signals ``(B, H, L)``, None with time off."""

    text: Tensor
    image: Tensor
    tau_text: Tensor | None
    tau_image: Tensor | None


class WindowTime(nn.Module):
    """The time path of one layer: scale and residual shared by both streams, the filter, the Cross-SSD's scale."""

    def __init__(self, window: int, heads: int, kernel: int, per_position: bool, dropout: float, eps: float) -> None:
        super().__init__()
        self.scale = TimeScale(window, heads, kernel, dropout)
        self.residual = TimeResidual(window, per_position, dropout, eps)
        self.filter = DualChannelFilter(window)
        self.cross_scale = TimeScale(window, heads, kernel, dropout)

    def forward(self, tau_text: Tensor, tau_image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Signals to ``s_text, s_image, s_cross`` and the next layer's ``tau_text, tau_image``."""
        s_text, s_image = self.scale(tau_text), self.scale(tau_image)
        next_text, next_image = self.residual(tau_text, s_text), self.residual(tau_image, s_image)
        s_cross = self.cross_scale(self.filter(next_text, next_image))
        return s_text, s_image, s_cross, next_text, next_image


class WindowLayer(nn.Module):
    """Shared TiSSD over both streams, Fourier-filtered time, Cross-SSD that fuses them.

    Args:
        sizes: of the SSD blocks.
        inner: width inside the feed-forward blocks; None leaves them out.
        time: the layer's time path; None with time off.
        dropout: share of entries dropped.
        eps: of the norms.
    """

    def __init__(self, sizes: SSDSizes, inner: int | None, time: WindowTime | None, dropout: float, eps: float) -> None:
        super().__init__()
        self.time = time
        self.ssd = TiSSD(sizes)
        self.cross = CrossSSD(sizes)
        self.text_norm = nn.LayerNorm(sizes.hidden, eps)
        self.image_norm = nn.LayerNorm(sizes.hidden, eps)
        self.cross_norm = nn.LayerNorm(sizes.hidden, eps)
        self.text_ffn = FeedForward(sizes.hidden, inner, dropout, eps) if inner else nn.Identity()
        self.cross_ffn = FeedForward(sizes.hidden, inner, dropout, eps) if inner else nn.Identity()
        self.dropout = Dropout(dropout)

    def forward(self, streams: Streams) -> Streams:
        """One layer further; the new image stream is the fused one."""
        text, image, tau_text, tau_image = streams
        s_text = s_image = s_cross = None
        if self.time is not None:
            assert tau_text is not None and tau_image is not None
            *scales, tau_text, tau_image = self.time(tau_text, tau_image)
            s_text, s_image, s_cross = (s[..., : text.shape[1]] for s in scales)  # the streams may be cut shorter
        u = self.text_ffn(self.text_norm(self.dropout(self.ssd(text, s_text)) + text))
        q = self.image_norm(self.dropout(self.ssd(image, s_image)) + image)
        fused = self.cross_ffn(self.cross_norm(self.dropout(self.cross(q, u, s_cross)) + q + u))
        return Streams(u, fused, tau_text, tau_image)
