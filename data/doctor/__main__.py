"""``python -m data.doctor``: works where ``prepare.py`` cannot be imported."""

import logging
import sys

from data.doctor.command import doctor

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    doctor()
