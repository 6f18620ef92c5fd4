"""What is learned: one file a system. Knows neither data nor trainer."""

from model.base import SequenceModel
from model.bsarec import BSARec
from model.causal import CausalModel
from model.closed_form import ClosedForm
from model.content_knn import ContentKNN
from model.ease import EASE
from model.gru4rec import GRU4Rec
from model.hm4sr import HM4SR
from model.item_knn import ItemKNN
from model.m2rec import M2Rec
from model.m3rec import M3Rec
from model.mamba4rec import Mamba4Rec
from model.mmm4rec import MMM4Rec
from model.mmm4rec_window import WindowMMM4Rec
from model.popularity import Popularity
from model.sasrec import SASRec
from model.tim4rec import TiM4Rec

__all__ = [
    "EASE",
    "HM4SR",
    "BSARec",
    "CausalModel",
    "ClosedForm",
    "ContentKNN",
    "GRU4Rec",
    "ItemKNN",
    "M2Rec",
    "M3Rec",
    "MMM4Rec",
    "Mamba4Rec",
    "Popularity",
    "SASRec",
    "SequenceModel",
    "TiM4Rec",
    "WindowMMM4Rec",
]
