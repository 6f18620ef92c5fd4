"""Item features: encoders of text and pictures, and tables aligned by item id."""
