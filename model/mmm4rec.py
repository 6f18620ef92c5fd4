"""MMM4Rec in its causal form, ours and the default (MODELS §2).

Shapes: B batch, L positions, d hidden, H heads, T channels of the time signal.
"""

from torch import Tensor, nn

from model.causal import CausalModel
from model.layers.adaptor import Adaptor
from model.layers.causal_time import CausalTime
from model.layers.fusion_layer import FusionLayer, Streams
from model.layers.gaps import GapEncoding
from model.layers.items import Fusion
from model.layers.sizes import check_sizes
from model.layers.ssd import SSDSizes
from model.layers.stack import Stack
from model.modalities import Modalities
from model.ops.by_length import by_length
from model.ops.pairs import to_rows
from model.ops.ssd import Skip
from model.state import Carry
from model.two_streams import TwoStreams


class MMM4Rec(TwoStreams, CausalModel):
    """Two content streams through one SSD whose memory follows the gaps between events, fused by a Cross-SSD.

    Strictly causal, of any length: one pass gives the user vector after every event, and a state of fixed size
    takes the next one.

    Args:
        modalities: ``text``, ``image`` or both; the first is the text stream, the last the image stream.
        hidden: d.
        inner: width inside the feed-forward blocks.
        layers: how many.
        state: N, the SSD state's size a head channel.
        head_dim: P.
        groups: G, 1 or the number of heads.
        kernel: K of the causal convolutions.
        expand: inner width of the SSD over d.
        dropout: share of entries dropped, everywhere.
        temperature: divides every score.
        id_bias: learn a row an item and modality (the "with id" form).
        sparse_ids: give these rows sparse gradients, so that with the in-batch loss and an optimizer of
            ``trainer.optimizers`` a step costs nothing for items that are not in its batch.
        fusion: how an item's modalities are weighed.
        time: use timestamps: the gap before each event, from seconds to years.
        periodic: with time, also the hour of the day and the day of the week.
        time_width: T.
        oscillations: of each channel of the causal Fourier filter; 0 leaves it out.
        ffn: keep the feed-forward blocks.
        skip: the SSD's skip convention; ``plain`` as in Mamba-2.
        norm_eps: of every norm.
        share: both streams run through the same SSD weights; else each has its own.
        adaptor: of the items' content: a ``linear`` map, or a mixture of whitening ``experts``.

    Raises:
        ValueError: sizes below 1 or that do not divide, a temperature that is not positive, or modalities that
            are not among ``text`` and ``image``.
    """

    def __init__(
        self,
        modalities: Modalities = ("text", "image"),
        hidden: int = 256,
        inner: int = 256,
        layers: int = 1,
        state: int = 64,
        head_dim: int = 64,
        groups: int = 8,
        kernel: int = 4,
        expand: int = 2,
        dropout: float = 0.4,
        temperature: float = 0.8,
        id_bias: bool = True,
        sparse_ids: bool = False,
        fusion: Fusion = "static",
        time: bool = True,
        periodic: bool = False,
        time_width: int = 8,
        oscillations: int = 4,
        ffn: bool = True,
        skip: Skip = "plain",
        norm_eps: float = 1e-12,
        share: bool = True,
        adaptor: Adaptor = "linear",
    ) -> None:
        super().__init__(modalities, hidden, dropout, temperature, id_bias, sparse_ids, fusion, norm_eps, adaptor)
        check_sizes(hidden=hidden, inner=inner, layers=layers, time_width=time_width, oscillations=oscillations + 1)
        sizes = SSDSizes(hidden, expand, head_dim, groups, state, kernel, skip, "shift", norm_eps)
        self.gaps = GapEncoding(periodic=periodic) if time else None
        if self.gaps is not None:
            self.tau = nn.Linear(self.gaps.features, 2 * time_width)
        self.layers = Stack(
            FusionLayer(
                sizes,
                inner if ffn else None,
                CausalTime(time_width, sizes.heads, kernel, oscillations, dropout, norm_eps) if time else None,
                dropout,
                norm_eps,
                share,
            )
            for _ in range(layers)
        )

    def positions(self, items_BL: Tensor, timestamps_BL: Tensor, carry: Carry | None = None) -> Tensor:
        """User vectors ``(B, L, d)``; see ``CausalModel.positions``."""
        start = self._streams(items_BL, timestamps_BL, carry)
        streams: Streams = self.layers(start, carry=carry and carry.of("layers"))
        return streams.image

    def user(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        """User vectors ``(B, d)``; see ``SequenceModel.user``."""
        with self.shared_items(items_BL.numel()):
            return by_length(self._last, items_BL, lengths_B, timestamps_BL)

    def _last(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        streams = self._streams(items_BL, timestamps_BL[:, : items_BL.shape[1]], None)
        *first, last = self.layers
        for layer in first:
            streams = layer(streams)
        assert isinstance(last, FusionLayer)
        return last.last(streams, lengths_B)

    def _streams(self, items_BL: Tensor, timestamps_BL: Tensor, carry: Carry | None) -> Streams:
        text_BLd, image_BLd = self.embed(items_BL)
        if self.gaps is None:
            return Streams(text_BLd, image_BLd, None)
        tau_BLT2 = self.tau(self.gaps(timestamps_BL, carry and carry.of("gaps")))
        return Streams(text_BLd, image_BLd, to_rows(tau_BLT2))
