"""From a checkpoint to the best items: ``python recommend.py --ckpt_path RUN/best.ckpt --items '[B001, B002]'``."""

import logging
import sys

from jsonargparse import ArgumentError, auto_cli

from data.errors import exit_on_bad_input
from trainer.recommend import recommend


def main() -> None:
    """Recommend as the arguments say; the log goes to stderr, the recommendations to stdout."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        auto_cli(recommend, as_positional=False, exit_on_error=False)
    except ArgumentError as error:
        raise ValueError(f"{error.message} (all options: --help)") from None


if __name__ == "__main__":
    with exit_on_bad_input():
        main()
