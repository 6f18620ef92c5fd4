"""Training, evaluation and transfer of any system in ``model``."""
