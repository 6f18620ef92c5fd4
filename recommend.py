"""From a checkpoint to the best items: ``python recommend.py --ckpt_path RUN/best.ckpt --items '[B001, B002]'``."""

import sys

from data.command import run_command
from data.errors import exit_on_bad_input
from trainer.recommend import recommend


def main() -> None:
    """Recommend as the arguments say; the log goes to stderr, the recommendations to stdout."""
    run_command(recommend, log=sys.stderr)


if __name__ == "__main__":
    with exit_on_bad_input():
        main()
