"""MMM4Rec in the window form, as published (Fan et al., arXiv 2506.02916; MODELS §1).

Shapes: B batch, L window, d hidden, I items (row 0 padding), H heads.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.base import SequenceModel
from model.layers.dropout import Dropout
from model.layers.items import Fusion, ItemTable
from model.layers.ssd import SSDSizes
from model.layers.window_layer import Streams, WindowLayer, WindowTime
from model.layers.window_time import GapSignal
from model.ops.by_length import by_length
from model.ops.ssd import Skip


class WindowMMM4Rec(SequenceModel):
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

    item_bound: tuple[str, ...] = ("items.tables.text.id_bias", "items.tables.image.id_bias")

    def __init__(
        self,
        modalities: Sequence[Literal["text", "image"]] = ("text", "image"),
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
        fusion: Fusion = "static",
        time: bool = True,
        ffn: bool = True,
        p2p_residual: bool = False,
        skip: Skip = "scaled",
        norm_eps: float = 1e-12,
    ) -> None:
        super().__init__()
        if not modalities or len(set(modalities)) != len(modalities) or not {*modalities} <= {"text", "image"}:
            raise ValueError(f"modalities = {list(modalities)}: name text, image or both, each once")
        counts = {"hidden": hidden, "inner": inner, "layers": layers, "window": window}
        if small := [f"{name} = {value}" for name, value in counts.items() if value < 1]:
            raise ValueError(f"{', '.join(small)}: sizes count from 1")
        if temperature <= 0:
            raise ValueError(f"temperature = {temperature}: it divides every score; give a number above 0")
        sizes = SSDSizes(hidden, expand, head_dim, groups, state, kernel, skip, norm_eps)
        self.modalities = tuple(modalities)
        self.hidden, self.window, self.id_bias = hidden, window, id_bias
        self.fusion: Fusion = fusion
        self.temperature = temperature
        if fusion == "dynamic_instance":
            self.item_bound = (*self.item_bound, "items.fusion")
        self.text_norm = nn.LayerNorm(hidden, norm_eps)
        self.image_norm = nn.LayerNorm(hidden, norm_eps)
        self.dropout = Dropout(dropout)
        self.gaps = GapSignal(window, sizes.heads, dropout, norm_eps) if time else None
        self.layers = nn.ModuleList(
            WindowLayer(
                sizes,
                inner if ffn else None,
                WindowTime(window, sizes.heads, kernel, p2p_residual, dropout, norm_eps) if time else None,
                dropout,
                norm_eps,
            )
            for _ in range(layers)
        )

    def bind(self, n_items: int, features: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> None:
        """Build the item table; see ``SequenceModel.bind``."""
        if absent := [name for name in self.modalities if name not in features]:
            raise ValueError(
                f"the model uses {list(self.modalities)}, but the data has no {absent} features: "
                "extract them (python prepare.py features) or leave them out of modalities"
            )
        kept: dict[str, Tensor] = {name: features[name] for name in self.modalities}
        assert all(len(table) == n_items for table in kept.values())
        self.items = ItemTable(kept, present, self.hidden, self.id_bias, self.fusion, self.temperature)

    def user(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        """User vectors ``(B, d)``; see ``SequenceModel.user``.

        Raises:
            ValueError: histories longer than the window.
        """
        if items_BL.shape[1] > self.window:
            raise ValueError(f"histories of {items_BL.shape[1]} positions exceed the model's window of {self.window}")
        return by_length(self._encode, items_BL, lengths_B, timestamps_BL)

    def _encode(self, items_BL: Tensor, lengths_B: Tensor, timestamps_BL: Tensor) -> Tensor:
        streams = Streams(
            self.text_norm(self.dropout(self.items.embed(self.modalities[0], items_BL))),
            self.image_norm(self.dropout(self.items.embed(self.modalities[-1], items_BL))),
            *self._tau(timestamps_BL),
        )
        for layer in self.layers:
            streams = layer(streams)
        rows = torch.arange(len(items_BL), device=items_BL.device)
        return streams.image[rows, (lengths_B - 1).clamp(min=0)]

    def _tau(self, timestamps_BL: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Each stream's own copy over the whole window, to which the published time path is bound."""
        if self.gaps is None:
            return None, None
        padded_BL = F.pad(timestamps_BL, (0, self.window - timestamps_BL.shape[1]))
        return self.gaps(padded_BL), self.gaps(padded_BL)

    def item_vectors(self, ids: Tensor | None = None) -> Tensor:
        """Item vectors; see ``SequenceModel.item_vectors``."""
        out: Tensor = self.items(ids)
        return out
