"""What ``requirements.txt`` asks for against what is installed."""

import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"
_PIN = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,-]+\])?==(?P<version>\S+)")


@dataclass(frozen=True)
class Pin:
    """A package, the version that is asked for, and the one that is there (None: it is missing)."""

    name: str
    wanted: str
    found: str | None

    @property
    def fault(self) -> str | None:
        """What is wrong with it, if anything. A build's own mark, as in ``2.13.0+cpu``, does not count."""
        if self.found is None:
            return f"{self.name} {self.wanted} is missing"
        if self.found.partition("+")[0] != self.wanted:
            return f"{self.name} is {self.found}, not {self.wanted}"
        return None


def read_pins(path: Path = REQUIREMENTS) -> list[Pin]:
    """Every pin of a requirements file; of an installed Tributary without one, those of its own metadata.

    Raises:
        ValueError: there is neither, or a line is no exact pin.
    """
    pins = []
    for number, line in enumerate(_lines(path), 1):
        if not (told := line.partition("#")[0].strip()):
            continue
        pin = _PIN.fullmatch(told)
        if pin is None:
            raise ValueError(f"{path}:{number}: {told!r} is no exact pin. Restore the file: git checkout {path.name}.")
        pins.append(Pin(pin["name"], pin["version"], version(pin["name"])))
    return pins


def version(package: str) -> str | None:
    """The installed version, None where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _lines(path: Path) -> list[str]:
    if path.is_file():
        return path.read_text().splitlines()
    try:
        required = metadata.requires("tributary") or []
    except metadata.PackageNotFoundError:
        raise ValueError(f"{path}: there is no such file. Run from a whole checkout.") from None
    return [line for line in required if "extra ==" not in line]
