"""Where in the user's configs a wrong key stands."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path


def place_of(message: str, arguments: Sequence[str]) -> str:
    """``file:line: `` of the config that a parser's message is about, as far as its quoted words tell."""
    files = [Path(value) for flag, value in pairwise(arguments) if flag == "--config"]
    files += [Path(word.removeprefix("--config=")) for word in arguments if word.startswith("--config=")]
    words = [word.rsplit(".", 1)[-1] for word in re.findall(r"['\"]([\w.]+)['\"]", message)]
    for word in reversed(words):
        for file in (file for file in files if file.is_file()):
            for number, line in enumerate(file.read_text().splitlines(), 1):
                if re.search(rf"\b{re.escape(word)}\s*:", line):
                    return f"{file}:{number}: "
    return "".join(f"{file}: " for file in files)
