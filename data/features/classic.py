"""The encoders that need no download: TF-IDF + SVD for text, HOG + colours for pictures."""

from data.features.classic_image import ClassicImage
from data.features.classic_text import ClassicText

__all__ = ["ClassicImage", "ClassicText"]
