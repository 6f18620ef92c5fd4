"""Published weights, under their own names, as our models."""

from model.published.m3rec import load_m3rec, read_m3rec
from model.published.mmm4rec import load_mmm4rec, read_mmm4rec

__all__ = ["load_m3rec", "load_mmm4rec", "read_m3rec", "read_mmm4rec"]
