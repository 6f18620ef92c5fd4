"""MovieLens-100k as RecBole's wheel ships it, to a raw folder that ``prepare.py domain`` reads.

python reference_log/outside-recbole/raw_movielens.py OUT
"""

import argparse
import importlib.util
import shutil
from pathlib import Path

FILES = ("ml-100k.inter", "ml-100k.item")


def main() -> None:
    """Copy the interactions and the metadata, and nothing of the other files that lie beside them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="raw folder to write")
    out: Path = parser.parse_args().out
    source = shipped()
    out.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(source / name, out / name)


def shipped() -> Path:
    """The folder in the wheel; found without an import of RecBole, which takes long."""
    spec = importlib.util.find_spec("recbole")
    if spec is None or spec.origin is None:
        raise SystemExit("RecBole is not here: run this with the Python of the environment that has it (README.md)")
    return Path(spec.origin).parent / "dataset_example" / "ml-100k"


if __name__ == "__main__":
    main()
