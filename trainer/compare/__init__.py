"""Models, domains, a tuning budget and seeds in; one table, one picture and every command out."""

from trainer.compare.command import compare
from trainer.compare.settings import Settings

__all__ = ["Settings", "compare"]
