"""One layer of MMM4Rec, in either form (MODELS §1.3 to §1.8, §2): its time path is what tells them apart.

Shapes: B batch, L positions, d hidden, H heads.
"""

from typing import NamedTuple

from torch import Tensor, nn

from model.layers.dropout import Dropout
from model.layers.ffn import FeedForward
from model.layers.ssd import CrossSSD, SSDSizes, TiSSD
from model.ops.last import last_positions, take, widen
from model.state import Carry


class Streams(NamedTuple):
    """What a layer passes on: two streams ``(B, L, d)`` and their time signals, None with time off."""

    text: Tensor
    image: Tensor
    tau_text: Tensor | None
    tau_image: Tensor | None


class FusionLayer(nn.Module):
    """Shared TiSSD over both streams, Fourier-filtered time, Cross-SSD that fuses them.

    Args:
        sizes: of the SSD blocks.
        inner: width inside the feed-forward blocks; None leaves them out.
        time: the layer's time path, signals to shifts or scales ``(B, L', H)`` of dt and the next layer's signals,
            L' at least the streams' L; None with time off.
        dropout: share of entries dropped.
        eps: of the norms.
    """

    def __init__(self, sizes: SSDSizes, inner: int | None, time: nn.Module | None, dropout: float, eps: float) -> None:
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

    def forward(self, streams: Streams, carry: Carry | None = None) -> Streams:
        """One layer further; the new image stream is the fused one."""
        text, image, _, _ = streams
        s_text, s_image, s_cross, tau_text, tau_image = self._time(streams, carry)
        u = self._text(text, s_text, carry)
        q = self.image_norm(self.dropout(self.ssd(image, s_image, carry=carry and carry.of("image"))) + image)
        mixed = self.cross(q, u, s_cross, carry=carry and carry.of("cross"))
        fused = self.cross_ffn(self.cross_norm(self.dropout(mixed) + q + u))
        return Streams(u, fused, tau_text, tau_image)

    def last(self, streams: Streams, lengths_B: Tensor) -> Tensor:
        """The new image stream at each row's last position alone, ``(B, d)``: a third of the work less.

        The text stream writes the state from every position; image and fused streams are only read at the end,
        the image stream over as many positions as the query's convolution sees.
        """
        text, image, _, _ = streams
        s_text, s_image, s_cross, _, _ = self._time(streams)
        u = self._text(text, s_text)
        at_B1 = last_positions(lengths_B, 1)
        reach_BK = widen(at_B1, self.cross.q_conv.kernel - 1)
        q = self.image_norm(self.dropout(self.ssd(image, s_image, reach_BK)) + take(image, reach_BK))
        residual = q[:, -1:] + take(u, at_B1)
        fused: Tensor = self.cross_ffn(self.cross_norm(self.dropout(self.cross(q, u, s_cross, at_B1)) + residual))
        return fused.squeeze(1)

    def _text(self, text: Tensor, s_text: Tensor | None, carry: Carry | None = None) -> Tensor:
        mixed = self.ssd(text, s_text, carry=carry and carry.of("text"))
        out: Tensor = self.text_ffn(self.text_norm(self.dropout(mixed) + text))
        return out

    def _time(self, streams: Streams, carry: Carry | None = None) -> tuple[Tensor | None, ...]:
        """``s_text, s_image, s_cross`` over the streams' positions, and the next layer's ``tau_text, tau_image``."""
        if self.time is None:
            return (None,) * 5
        *scales, tau_text, tau_image = self.time(streams.tau_text, streams.tau_image, carry and carry.of("time"))
        length = streams.text.shape[1]  # the streams may be cut shorter than the window
        return *(s[:, :length] for s in scales), tau_text, tau_image
