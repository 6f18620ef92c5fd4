"""A picture as it came to a small JPEG."""

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from data.features.picture import open_picture


@dataclass(frozen=True)
class Shrink:
    """How pictures are stored; equal input and options give equal bytes.

    Args:
        size: pixels of the shorter side; a smaller picture keeps its own.
        quality: of the JPEG, 1 to 95.
    """

    size: int = 256
    quality: int = 90

    def __post_init__(self) -> None:
        if self.size < 16 or not 1 <= self.quality <= 95:
            raise ValueError(f"size {self.size}, quality {self.quality}: write at least 16, and 1 to 95.")

    def __call__(self, body: bytes) -> bytes:
        """Decode the whole picture and write it anew, without its metadata.

        Raises:
            BadPictureError: it cannot be used.
        """
        picture = open_picture(BytesIO(body), self.size)
        share = self.size / min(picture.size)
        if share < 1:
            width, height = (max(self.size, round(side * share)) for side in picture.size)
            picture = picture.resize((width, height), Image.Resampling.LANCZOS)
        out = BytesIO()
        picture.save(out, "JPEG", quality=self.quality)
        return out.getvalue()
