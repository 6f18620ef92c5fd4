"""Raw files to a processed domain to features, one typed command a step: ``python prepare.py --help``."""

import logging
import sys

from jsonargparse import ArgumentError, auto_cli

from data.errors import exit_on_bad_input
from data.features.extract import extract_features
from data.prepare import merge_domains, prepare_domain
from data.sample import make_sample

COMMANDS = {
    "sample": make_sample,
    "domain": prepare_domain,
    "features": extract_features,
    "merge": merge_domains,
}


def main() -> None:
    """Run the step that the arguments name; its log goes to stdout."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        auto_cli(COMMANDS, as_positional=False, exit_on_error=False)
    except ArgumentError as error:
        raise ValueError(f"{error.message} (all options: --help)") from None


if __name__ == "__main__":
    with exit_on_bad_input():
        main()
