"""A report of processed domains: ``python prepare.py describe``."""
