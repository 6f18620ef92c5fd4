"""The output folder: reused, refused or replaced as a whole; never half-written."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import bad
from data.files import atomic_dir
from data.prepare.manifest import NAME, Manifest, differences, stored_recipe

logger = logging.getLogger(__name__)


@contextmanager
def output_folder(out: Path, manifest: Manifest, files: Iterable[str], overwrite: bool) -> Iterator[Path | None]:
    """The temporary folder to write into, which becomes ``out``; ``None`` where ``out`` can be reused.

    The caller holds `one_writer` of ``out``. Everything in the old folder goes, features too.

    Args:
        out: the processed folder.
        manifest: its recipe is compared with that of ``out``.
        files: names that must be there for ``out`` to be reused.
        overwrite: replace a folder that was prepared differently.

    Raises:
        ValueError: ``out`` was prepared differently, or is not a processed folder at all.
    """
    if _reusable(out, manifest, files, overwrite):
        logger.info("%s: made from the same input with the same options, reused", out)
        yield None
        return
    with atomic_dir(out) as folder:
        yield folder


def _reusable(out: Path, manifest: Manifest, files: Iterable[str], overwrite: bool) -> bool:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    stored = stored_recipe(out) if out.is_dir() else None
    if stored is None:
        raise bad(out, f"it exists and has no {NAME}, so it was not prepared here", "Choose another --out")
    if stored == manifest.recipe() and all((out / name).is_file() for name in files):
        return True
    if not overwrite:
        what = differences(stored, manifest.recipe()) or "files are missing"
        remedy = "Add --overwrite true to replace the whole folder, its features too, or choose another --out"
        raise bad(out, f"it was prepared differently ({what})", remedy)
    return False


def check_apart(out: Path, sources: Iterable[Path]) -> None:
    """Refuse an output folder that lies in an input folder or holds one.

    Raises:
        ValueError: replacing ``out`` would destroy what it is made from.
    """
    here = out.resolve()
    for source in sources:
        there = source.resolve()
        if here == there or here in there.parents or there in here.parents:
            raise bad(out, f"the output and the input {source} lie in one another", "Choose another --out")
