"""Whether Tributary can run here, and on what: ``python prepare.py doctor``, or ``python -m data.doctor`` where
packages are missing that ``prepare.py`` itself needs. So it imports nothing outside the standard library by itself.
"""

from data.doctor.command import doctor

__all__ = ["doctor"]
