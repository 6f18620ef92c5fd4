"""The blocks that systems are built of."""
