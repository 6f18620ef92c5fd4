"""A model on a device: prepared inputs to rows, in batches that fit its memory."""

from typing import TYPE_CHECKING

import torch

from data.errors import bad, first_line
from data.features.load import Modality
from data.features.pretrained.devices import precision
from data.features.pretrained.space import Space

if TYPE_CHECKING:
    from torch import Tensor


class Tower:
    """The weights of a space, and its forward pass for one modality.

    Args:
        space: the model.
        modality: what is encoded.
        device: where; bfloat16 on a GPU, else float32.

    Raises:
        ValueError: the weights cannot be read.
    """

    def __init__(self, space: Space, modality: Modality, device: torch.device) -> None:
        from transformers import AutoModel
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]  # weights are read in seconds
        self._space, self._modality, self.device = space, modality, device
        folder = space.source.folder
        try:
            model = AutoModel.from_pretrained(
                folder, use_safetensors=True, trust_remote_code=False, local_files_only=True, dtype=precision(device)
            )
        except (OSError, ValueError) as error:
            why = first_line(error).rstrip(".")
            raise bad(folder, f"its weights cannot be read ({why})", "Download the model again") from None
        self._model = model.eval().to(device)

    @torch.inference_mode()
    def __call__(self, inputs: dict[str, "Tensor"]) -> "Tensor":
        """Rows (B, dim) float32 on the device, not waited for; in halves where the memory is too small.

        Args:
            inputs: (B, …) each, B at least 1.

        Raises:
            ValueError: there is not even memory for one item.
        """
        there = {name: part.to(self.device, non_blocking=True) for name, part in inputs.items()}
        try:
            return self._space.rows(self._model, self._modality, there)
        except torch.OutOfMemoryError:
            count = len(next(iter(inputs.values())))
            if count == 1:
                what = f"{self.device} has no memory for one item"
                raise ValueError(f"{what}. Free some, or give --devices '[cpu]'.") from None
        half = count // 2
        parts = [slice(None, half), slice(half, None)]
        return torch.cat([self({name: part[rows] for name, part in inputs.items()}) for rows in parts])
