"""Beyond one number: accuracy of slices of users, and properties of what is recommended, from a test's results."""

from trainer.slices.all import slices_of
from trainer.slices.table import format_slices

__all__ = ["format_slices", "slices_of"]
