"""Raw files to a processed domain, and processed domains to one merged domain; see ``prepare.py``."""

from data.prepare.domain import prepare_domain
from data.prepare.merge import merge_domains

__all__ = ["merge_domains", "prepare_domain"]
