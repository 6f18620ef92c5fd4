"""Pictures to pixels as a model wants them: resized and cropped as bytes, scaled where the model runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from data.errors import bad

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Pictures:
    """The model's own preprocessing, read from its folder; it can go to another process.

    Pixels travel as bytes, a quarter of what scaled ones take, and are scaled on the model's device.

    Raises:
        ValueError: the preprocessing is of a kind that is not known here.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoImageProcessor

        auto: Any = AutoImageProcessor  # its methods have no types
        own = auto.from_pretrained(folder, backend="pil", local_files_only=True, trust_remote_code=False)
        crop = (own.crop_size.height, own.crop_size.width) if own.do_center_crop else None
        fixed = (own.size.height, own.size.width)
        if not own.do_resize or (None in fixed and (crop is None or (own.size.shortest_edge or 0) < max(crop))):
            raise bad(folder, f"its pictures have no fixed size (size {own.size}, crop {crop})", "Give another model")
        self._resize: tuple[int, int] | int = own.size.shortest_edge if None in fixed else fixed
        self._crop = crop
        self._resample = int(own.resample)
        self._scale = float(own.rescale_factor) if own.do_rescale else 1.0
        self._mean = [float(value) for value in own.image_mean] if own.do_normalize else [0.0] * 3
        self._std = [float(value) for value in own.image_std] if own.do_normalize else [1.0] * 3

    @property
    def options(self) -> dict[str, Any]:
        """What identifies the preprocessing: resize and crop in pixels (height, width), or of the shorter side."""
        resize = self._resize if isinstance(self._resize, int) else list(self._resize)
        crop = list(self._crop) if self._crop else None
        pixels = {"resize": resize, "crop": crop, "resample": self._resample}
        return {**pixels, "scale": self._scale, "mean": self._mean, "std": self._std}

    @property
    def size(self) -> int:
        """Pixels of the longer side of what is wanted, for decoders that can skip detail."""
        return self._resize if isinstance(self._resize, int) else max(self._resize)

    def __call__(self, pictures: list[Image.Image]) -> dict[str, "Tensor"]:
        """RGB pictures to ``pixel_values`` (B, 3, H, W), uint8."""
        import torch

        pixels_BHWC = np.stack([np.asarray(self._fit(picture)) for picture in pictures])
        return {"pixel_values": torch.from_numpy(pixels_BHWC).permute(0, 3, 1, 2).contiguous()}

    def _fit(self, picture: Image.Image) -> Image.Image:
        resample = Image.Resampling(self._resample)
        if isinstance(self._resize, tuple):
            height, width = self._resize
        else:  # the longer side is rounded down, as the library does
            short = min(picture.size)
            width, height = (int(self._resize * side / short) for side in picture.size)
        fitted = picture.resize((width, height), resample)
        if self._crop is None:
            return fitted
        top, left = (height - self._crop[0]) // 2, (width - self._crop[1]) // 2
        return fitted.crop((left, top, left + self._crop[1], top + self._crop[0]))

    def scale(self, pixels_BCHW: "Tensor", dtype: "torch.dtype") -> "Tensor":
        """Bytes to what the model takes, (B, 3, H, W), on the device that they are on."""
        scaled = pixels_BCHW.float() * self._scale
        mean_C, std_C = scaled.new_tensor(self._mean), scaled.new_tensor(self._std)
        return ((scaled - mean_C[:, None, None]) / std_C[:, None, None]).to(dtype)
