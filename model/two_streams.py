"""What both forms of MMM4Rec share: two content streams over one item table.

Shapes: B batch, L positions, d hidden, I items (row 0 padding).
"""

from collections.abc import Mapping

from torch import Tensor, nn

from model.from_table import FromTable
from model.layers.adaptor import Adaptor
from model.layers.dropout import Dropout
from model.layers.items import Fusion, ItemTable
from model.layers.sizes import check_temperature
from model.modalities import Modalities, check_modalities, chosen


class TwoStreams(FromTable):
    """Items as text and image streams; with one modality, it plays both: every weight keeps its place.

    Args:
        modalities: ``text``, ``image`` or both; the first is the text stream, the last the image stream.
        hidden: d.
        dropout: share of entries dropped.
        temperature: divides every score.
        id_bias: learn a row an item and modality.
        sparse_ids: give these rows sparse gradients.
        fusion: how an item's modalities are weighed.
        norm_eps: of the norms.
        adaptor: of the features, see ``make_adaptor``.

    Raises:
        ValueError: a temperature that is not positive, or modalities that are not among ``text`` and ``image``.
    """

    items: ItemTable
    item_bound: tuple[str, ...] = ("items.tables.text.id_bias", "items.tables.image.id_bias")

    def __init__(
        self,
        modalities: Modalities,
        hidden: int,
        dropout: float,
        temperature: float,
        id_bias: bool,
        sparse_ids: bool,
        fusion: Fusion,
        norm_eps: float,
        adaptor: Adaptor = "linear",
    ) -> None:
        super().__init__()
        check_modalities(modalities)
        check_temperature(temperature)
        self.modalities = tuple(modalities)
        self.hidden, self.temperature = hidden, temperature
        self.id_bias, self.sparse_ids = id_bias, sparse_ids
        self.fusion: Fusion = fusion
        self.adaptor: Adaptor = adaptor
        if fusion == "dynamic_instance":
            self.item_bound = (*self.item_bound, "items.fusion")
        self.text_norm = nn.LayerNorm(hidden, norm_eps)
        self.image_norm = nn.LayerNorm(hidden, norm_eps)
        self.dropout = Dropout(dropout)

    def bind(self, n_items: int, features: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> None:
        """Build the item table; see ``SequenceModel.bind``.

        Raises:
            ValueError: an unknown adaptor.
        """
        kept = chosen(self.modalities, features)
        assert all(len(table) == n_items for table in kept.values())
        rows = (self.hidden, self.id_bias, self.sparse_ids, self.fusion, self.temperature)
        self.items = ItemTable(kept, present, *rows, self.adaptor)

    def embed(self, items_BL: Tensor) -> tuple[Tensor, Tensor]:
        """Both streams ``(B, L, d)``: ``X_m = LayerNorm(dropout(E_m[items]))`` (MODELS §1.1)."""
        text_BLd: Tensor = self.text_norm(self.dropout(self.items.embed(self.modalities[0], items_BL)))
        image_BLd: Tensor = self.image_norm(self.dropout(self.items.embed(self.modalities[-1], items_BL)))
        return text_BLd, image_BLd
