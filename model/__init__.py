"""What is learned: one file a system. Knows neither data nor trainer."""

from model.base import SequenceModel
from model.mmm4rec_window import WindowMMM4Rec

__all__ = ["SequenceModel", "WindowMMM4Rec"]
