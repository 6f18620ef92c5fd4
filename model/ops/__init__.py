"""Pure functions on tensors: scans, convolutions, filters. They know no module."""
