"""A shop's raw files, as downloaded: finding, reading and cleaning them."""
