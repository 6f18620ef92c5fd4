"""What is measured, one command each: ``python -m bench.step --help``; ``python -m bench`` for all."""
