"""What is learned: one file a system. Knows neither data nor trainer."""

from model.base import SequenceModel
from model.causal import CausalModel
from model.mmm4rec import MMM4Rec
from model.mmm4rec_window import WindowMMM4Rec

__all__ = ["CausalModel", "MMM4Rec", "SequenceModel", "WindowMMM4Rec"]
