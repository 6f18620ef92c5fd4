"""MMM4Rec in the window form, as published (Fan et al., arXiv 2506.02916; MODELS §1).

Shapes: B batch, L window, d hidden, I items (row 0 padding), H heads.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from model.layers.fusion_layer import FusionLayer, Streams
from model.layers.items import Fusion
from model.layers.sizes import check_sizes
from model.layers.ssd import SSDSizes
from model.layers.window_time import GapSignal, WindowTime
from model.modalities import Modalities
from model.ops.by_length import by_length
from model.ops.pairs import pair
from model.ops.ssd import Skip
from model.two_streams import TwoStreams


class WindowMMM4Rec(TwoStreams):
    """Two content streams through one time-aware SSD, fused by a Cross-SSD.

    With one modality, it plays both streams: every weight of the encoder keeps its place.

    Args:
        modalities: ``text``, ``image`` or both; the first is the text stream, the last the image stream.
        hidden: d.
        inner: width inside the feed-forward blocks.
        layers: how many.
        window: L, the longest history it encodes.
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
        time: use timestamps (as published: gaps of zero-padded seconds over the window).
        ffn: keep the feed-forward blocks.
        p2p_residual: gate the passed-on time signal per position rather than per head.
        skip: the SSD's skip convention; ``scaled`` as published.
        norm_eps: of every norm.

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
        window: int = 20,
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
        ffn: bool = True,
        p2p_residual: bool = False,
        skip: Skip = "scaled",
        norm_eps: float = 1e-12,
    ) -> None:
        super().__init__(modalities, hidden, dropout, temperature, id_bias, sparse_ids, fusion, norm_eps)
        check_sizes(hidden=hidden, inner=inner, layers=layers, window=window)
        sizes = SSDSizes(hidden, expand, head_dim, groups, state, kernel, skip, "scale", norm_eps)
        self.window = window
        self.gaps = GapSignal(window, sizes.heads, dropout, norm_eps) if time else None
        self.layers = nn.ModuleList(
            FusionLayer(
                sizes,
                inner if ffn else None,
                WindowTime(window, sizes.heads, kernel, p2p_residual, dropout, norm_eps) if time else None,
                dropout,
                norm_eps,
            )
            for _ in range(layers)
        )

    def user(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        """User vectors ``(B, d)``; see ``SequenceModel.user``.

        Raises:
            ValueError: histories longer than the window.
        """
        if items_BL.shape[1] > self.window:
            raise ValueError(f"histories of {items_BL.shape[1]} positions exceed the model's window of {self.window}")
        with self.shared_items(items_BL.numel()):
            return by_length(self._encode, items_BL, lengths_B, timestamps_BL)

    def _encode(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        streams = Streams(*self.embed(items_BL), self._tau(timestamps_BL))
        *first, last = self.layers
        for layer in first:
            streams = layer(streams)
        assert isinstance(last, FusionLayer)
        return last.last(streams, lengths_B)

    def _tau(self, timestamps_BL: Tensor) -> Tensor | None:
        """Each stream's own copy over the whole window, to which the published time path is bound."""
        if self.gaps is None:
            return None
        padded_BL = F.pad(timestamps_BL, (0, self.window - timestamps_BL.shape[1]))
        tau_RHL: Tensor = self.gaps(pair(padded_BL, padded_BL))
        return tau_RHL
