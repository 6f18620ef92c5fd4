"""Which contents of the items a system uses."""

from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor

Modalities = Sequence[Literal["text", "image"]]


def check_modalities(modalities: Modalities) -> None:
    """Raises ``ValueError`` where a modality is named twice, is not known, or none is named."""
    if not modalities or len(set(modalities)) != len(modalities) or not {*modalities} <= {"text", "image"}:
        raise ValueError(f"modalities = {list(modalities)}: name text, image or both, each once")


def chosen(modalities: Modalities, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The features of these modalities, in their order; raises ``ValueError`` where there are none."""
    if absent := [name for name in modalities if name not in features]:
        raise ValueError(
            f"the model uses {list(modalities)}, but the data has no {absent} features: "
            "extract them (python prepare.py features) or leave them out of modalities"
        )
    return {name: features[name] for name in modalities}
