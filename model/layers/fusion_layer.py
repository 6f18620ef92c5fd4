"""One layer of MMM4Rec, in either form (MODELS §1.3 to §1.8, §2): its time path is what tells them apart.

Shapes: B batch, L positions, d hidden, H heads.
"""

from typing import NamedTuple

from torch import Tensor, nn

from model.layers.dropout import Dropout
from model.layers.ffn import FeedForward
from model.layers.ssd import CrossSSD, SSDSizes, TiSSD
from model.ops.last import last_positions, take, widen
from model.ops.pairs import pair, unpair
from model.state import Carry


class Streams(NamedTuple):
    """What a layer passes on: two streams ``(B, L, d)`` and the time signals of both (``model.ops.pairs``).

    With time off there are no signals.
    """

    text: Tensor
    image: Tensor
    tau: Tensor | None


class FusionLayer(nn.Module):
    """TiSSD over both streams, Fourier-filtered time, Cross-SSD that fuses them.

    Args:
        sizes: of the SSD blocks.
        inner: width inside the feed-forward blocks; None leaves them out.
        time: the layer's time path, signals of both streams to shifts or scales of dt, ``(2B, L', H)`` for the
            streams and ``(B, L', H)`` for the Cross-SSD, and to the next layer's signals; L' at least the streams' L.
            None with time off.
        dropout: share of entries dropped.
        eps: of the norms.
        share: both streams run through one TiSSD; else the image stream has its own.
    """

    def __init__(
        self,
        sizes: SSDSizes,
        inner: int | None,
        time: nn.Module | None,
        dropout: float,
        eps: float,
        share: bool = True,
    ) -> None:
        super().__init__()
        self.time = time
        self.ssd = TiSSD(sizes)
        self.image_ssd = None if share else TiSSD(sizes)
        self.cross = CrossSSD(sizes)
        self.text_norm = nn.LayerNorm(sizes.hidden, eps)
        self.image_norm = nn.LayerNorm(sizes.hidden, eps)
        self.cross_norm = nn.LayerNorm(sizes.hidden, eps)
        self.text_ffn = FeedForward(sizes.hidden, inner, dropout, eps) if inner else nn.Identity()
        self.cross_ffn = FeedForward(sizes.hidden, inner, dropout, eps) if inner else nn.Identity()
        self.dropout = Dropout(dropout)

    def forward(self, streams: Streams, carry: Carry | None = None) -> Streams:
        """One layer further; the new image stream is the fused one."""
        s_both, s_cross, tau = self._time(streams, carry)
        mixed_text, mixed_image = self._mix(streams, s_both, carry)
        u = self._text(mixed_text, streams.text)
        q = self.image_norm(self.dropout(mixed_image) + streams.image)
        mixed = self.cross(q, u, s_cross, carry=carry and carry.of("cross"))
        fused = self.cross_ffn(self.cross_norm(self.dropout(mixed) + q + u))
        return Streams(u, fused, tau)

    def last(self, streams: Streams, lengths_B: Tensor) -> Tensor:
        """The new image stream at each row's last position alone, ``(B, d)``: a third of the work less.

        The text stream writes the state from every position; image and fused streams are only read at the end,
        the image stream over as many positions as the query's convolution sees.
        """
        text, image, _ = streams
        s_both, s_cross, _ = self._time(streams)
        s_text, s_image = _apart(s_both)
        u = self._text(self.ssd(text, s_text), text)
        at_B1 = last_positions(lengths_B, 1)
        reach_BK = widen(at_B1, self.cross.q_conv.kernel - 1)
        q = self.image_norm(self.dropout(self._of_image(image, s_image, reach_BK)) + take(image, reach_BK))
        residual = q[:, -1:] + take(u, at_B1)
        fused: Tensor = self.cross_ffn(self.cross_norm(self.dropout(self.cross(q, u, s_cross, at_B1)) + residual))
        return fused.squeeze(1)

    def _mix(self, streams: Streams, s_both: Tensor | None, carry: Carry | None) -> tuple[Tensor, Tensor]:
        """Both streams through their TiSSD; one that they share runs once, over the rows of both."""
        if self.image_ssd is None:
            both = pair(streams.text, streams.image)
            return unpair(self.ssd(both, s_both, carry=carry and carry.of("streams", rows=2)))
        s_text, s_image = _apart(s_both)
        text = self.ssd(streams.text, s_text, carry=carry and carry.of("text"))
        return text, self.image_ssd(streams.image, s_image, carry=carry and carry.of("image"))

    @property
    def _of_image(self) -> TiSSD:
        return self.ssd if self.image_ssd is None else self.image_ssd

    def _text(self, mixed: Tensor, text: Tensor) -> Tensor:
        out: Tensor = self.text_ffn(self.text_norm(self.dropout(mixed) + text))
        return out

    def _time(self, streams: Streams, carry: Carry | None = None) -> tuple[Tensor | None, ...]:
        """``s_both, s_cross`` over the streams' positions, and the next layer's ``tau``."""
        if self.time is None:
            return (None,) * 3
        s_both, s_cross, tau = self.time(streams.tau, carry and carry.of("time"))
        length = streams.text.shape[1]  # the streams may be cut shorter than the window
        return _cut(s_both, length), _cut(s_cross, length), tau


def _cut(s: Tensor, length: int) -> Tensor:
    return s if s.shape[1] == length else s[:, :length]


def _apart(s_both: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    return (None, None) if s_both is None else unpair(s_both)
