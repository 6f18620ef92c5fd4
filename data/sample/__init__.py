"""The sample shops: raw files in a known layout, with structure that a recommender can learn."""

from data.sample.make import MadeShop, make_sample

__all__ = ["MadeShop", "make_sample"]
