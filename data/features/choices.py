"""What encodes texts and what encodes pictures: defaults, and options that contradict each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data.features.load import Modality
from data.features.pretrained.source import find_model
from data.features.pretrained.space import Space, open_space

Choice = Literal["classic", "precomputed", "encoder", "none"]


@dataclass(frozen=True)
class Choices:
    """What was chosen for each modality, and the model, if one is to be used."""

    text: Choice
    image: Choice
    space: Space | None

    def of(self, modality: Modality) -> Choice:
        """What was chosen for one of them."""
        return self.text if modality == "text" else self.image


def choose(text: Choice | None, image: Choice | None, encoder: str | None, revision: str | None) -> Choices:
    """Fill in what was not told: classic; with a model what it can encode, and nothing else.

    Raises:
        ValueError: a model is told and not used, or used and not told, or cannot be had.
    """
    if encoder is None:
        chosen = Choices(text or "classic", image or "classic", None)
        if revision is not None or "encoder" in (chosen.text, chosen.image):
            raise ValueError("A model is to be used, but none is named. Add --encoder siglip.")
        return chosen
    if text not in (None, "encoder") and image not in (None, "encoder"):
        raise ValueError(f"encoder {encoder} is given, but text is {text} and image is {image}. Leave one of them out.")
    space = open_space(find_model(encoder, revision))
    return Choices(text or "encoder", image or ("encoder" if "image" in space.modalities else "none"), space)


def check_table(modality: Modality, choice: Choice, table: Path | None) -> None:
    """Raise ``ValueError`` where a table is given and not used, or the other way round."""
    if choice == "precomputed" and table is None:
        raise ValueError(f"{modality} is precomputed, but no table is given. Add --{modality}_table FILE.")
    if choice != "precomputed" and table is not None:
        raise ValueError(f"{modality}_table is given, but {modality} is {choice}. Add --{modality} precomputed.")


def check_fit(text: Choice, fit: list[Path] | None, text_encoder: Path | None) -> None:
    """Raise ``ValueError`` where options of the classic text encoder are given and not used, or contradict."""
    if text != "classic" and (fit is not None or text_encoder is not None):
        raise ValueError(f"fit and text_encoder are for classic text, but text is {text}. Leave them out.")
    if fit is not None and text_encoder is not None:
        raise ValueError("fit and text_encoder are both given: a given encoder is not fitted. Leave one out.")
