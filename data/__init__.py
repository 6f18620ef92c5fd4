"""Raw files of a shop to batches of histories; knows no model."""
