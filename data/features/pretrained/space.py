"""A model as a space of vectors: what it can encode, how its inputs are prepared, and which forward pass is run."""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any

from data.errors import bad
from data.features.load import Modality
from data.features.pretrained.pictures import Pictures
from data.features.pretrained.sentence import read_pooling, text_rules
from data.features.pretrained.source import Source
from data.features.pretrained.texts import TextRules, Texts

if TYPE_CHECKING:
    from torch import Tensor

VERSION = 1  # of what happens between a file and a vector


class Space(ABC):
    """One model. Nothing is read before it is asked for; weights never are.

    Attributes:
        source: the model's files.
        modalities: what it can encode.
    """

    modalities: tuple[Modality, ...]

    def __init__(self, source: Source, config: Any) -> None:
        self.source, self._config = source, config

    @cached_property
    def texts(self) -> Texts:
        """Prepares texts."""
        return Texts(self.source.folder, self._text_rules())

    @cached_property
    def pictures(self) -> Pictures:
        """Prepares pictures."""
        return Pictures(self.source.folder)

    def options(self, modality: Modality) -> dict[str, Any]:
        """What identifies the features of one modality, beside the model's name."""
        prepared = self.texts.options if modality == "text" else self.pictures.options
        return {"revision": self.source.revision, **prepared, **self._pooling(), "version": VERSION}

    @abstractmethod
    def rows(self, model: Any, modality: Modality, inputs: dict[str, "Tensor"]) -> "Tensor":
        """The forward pass: prepared inputs to rows (B, dim), float32, on the model's device."""

    def largest(self, modality: Modality) -> tuple[int, int]:
        """Tokens of the longest input, and the width of the widest layer, for an estimate of memory."""
        if modality == "text":
            return self.texts.limit, int(self._text_config.intermediate_size)
        vision = self._config.vision_config
        return (vision.image_size // vision.patch_size) ** 2 + 1, int(vision.intermediate_size)

    @abstractmethod
    def dim(self, modality: Modality) -> int:
        """Width of a row."""

    @property
    @abstractmethod
    def _text_config(self) -> Any: ...

    @abstractmethod
    def _text_rules(self) -> TextRules: ...

    @abstractmethod
    def _pooling(self) -> dict[str, Any]: ...


def open_space(source: Source) -> Space:
    """The space of a model's files.

    Raises:
        ValueError: a model of a kind that is not known here.
    """
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(source.folder, local_files_only=True, trust_remote_code=False)
    if config.model_type in ("siglip", "clip"):
        return TwoTowers(source, config)
    if hasattr(config, "vision_config") or config.is_encoder_decoder or not hasattr(config, "max_position_embeddings"):
        remedy = "Give a SigLIP, SigLIP 2 of fixed resolution (not naflex), CLIP or BERT-like sentence encoder"
        raise bad(source.folder, f"a model of the kind '{config.model_type}' is not known here", remedy)
    return OneTower(source, config)


class TwoTowers(Space):
    """SigLIP, SigLIP 2 and CLIP: texts and pictures in one space, rows of length 1."""

    modalities = ("text", "image")

    def rows(self, model: Any, modality: Modality, inputs: dict[str, "Tensor"]) -> "Tensor":
        """The forward pass of one tower."""
        from torch.nn.functional import normalize

        if modality == "text":
            out = model.get_text_features(**inputs)
        else:
            out = model.get_image_features(pixel_values=self.pictures.scale(inputs["pixel_values"], model.dtype))
        return normalize(out.pooler_output.float(), dim=-1)

    def dim(self, modality: Modality) -> int:
        """Width of a row, which both towers have."""
        if self._config.model_type == "clip":
            return int(self._config.projection_dim)
        text = self._config.text_config.projection_size
        return int(text if modality == "text" else self._config.vision_config.hidden_size)

    @property
    def _text_config(self) -> Any:
        return self._config.text_config

    def _text_rules(self) -> TextRules:
        siglip = self._config.model_type == "siglip"
        # SigLIP 2 was trained on lower case, yet its published tokenizer keeps the case; SigLIP's own lowers anyway.
        return TextRules(self._text_config.max_position_embeddings, full=siglip, lower=siglip)

    def _pooling(self) -> dict[str, Any]:
        return {"unit": True}


class OneTower(Space):
    """A sentence encoder: texts alone, pooled as its folder says."""

    modalities = ("text",)

    def __init__(self, source: Source, config: Any) -> None:
        super().__init__(source, config)
        self.pool = read_pooling(source.folder)

    @property
    def pictures(self) -> Pictures:
        """Refused.

        Raises:
            ValueError: always.
        """
        raise bad(self.source.name, "it encodes no pictures", "Leave --image encoder out, or give --encoder siglip")

    def rows(self, model: Any, modality: Modality, inputs: dict[str, "Tensor"]) -> "Tensor":
        """The forward pass, pooled."""
        return self.pool(model(**inputs).last_hidden_state, inputs["attention_mask"])

    def dim(self, modality: Modality) -> int:
        """Width of a row."""
        return int(self._config.hidden_size)

    @property
    def _text_config(self) -> Any:
        return self._config

    def _text_rules(self) -> TextRules:
        return text_rules(self.source.folder, self._config.max_position_embeddings)

    def _pooling(self) -> dict[str, Any]:
        return {"pooling": self.pool.kind, "unit": self.pool.unit}
