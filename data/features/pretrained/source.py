"""A model by its short name, its name on the Hugging Face Hub or its folder, to files of one exact revision."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from data.errors import bad, first_line
from data.files import sha256

SHORT = {
    "siglip": "google/siglip-base-patch16-224",
    "siglip2": "google/siglip2-base-patch16-224",
    "clip": "openai/clip-vit-large-patch14",
    "sentence": "sentence-transformers/all-MiniLM-L6-v2",
}
WEIGHTS = "model*.safetensors"
FILES = ("*.json", "*.txt", "*.model", WEIGHTS)  # no pickles, no code
SAFE = "Only safetensors weights are read: give another --revision or model that has them, or convert these"


@dataclass(frozen=True)
class Source:
    """A model's files, and what identifies them wherever they lie."""

    name: str
    revision: str
    """The commit on the hub; of a folder, a digest of its files."""
    folder: Path


def find_model(encoder: str, revision: str | None = None) -> Source:
    """The files of a model, fetched from the hub unless they are in its cache.

    Args:
        encoder: one of `SHORT`, a name as ``owner/model``, or a folder that `save_pretrained` or a download made.
        revision: branch, tag or commit on the hub; None is its main branch.

    Raises:
        ValueError: there is no such model, the hub cannot be reached, or it has no safetensors weights.
    """
    folder = Path(encoder).expanduser()
    if encoder not in SHORT and folder.is_dir():
        if revision is not None:
            raise ValueError(f"encoder {encoder} is a folder: it has no revisions. Leave --revision out.")
        source = Source(folder.resolve().name, _digest(folder), folder)
    else:
        source = _from_hub(SHORT.get(encoder, encoder), revision)
    if not (source.folder / "config.json").is_file():
        raise bad(source.folder, "there is no config.json, so it is no model of transformers", "Give another --encoder")
    if not any(source.folder.glob(WEIGHTS)):
        raise bad(source.folder, f"there is no {WEIGHTS}", SAFE)
    return source


def _from_hub(name: str, revision: str | None) -> Source:
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=list(FILES)))
    except (OSError, ValueError) as error:  # the hub's own errors are among them
        why = first_line(error).rstrip(".")
        at = "" if revision is None else f" --revision {revision}"
        remedy = f"Where there is a connection: `hf download {name}{at} --local-dir FOLDER`; then give --encoder FOLDER"
        raise bad(name, f"no such folder, and not to be had from the Hugging Face Hub ({why})", remedy) from None
    return Source(name, folder.name, folder)


def _digest(folder: Path) -> str:
    """Of the names and contents of the files that are read."""
    paths = sorted({path for pattern in FILES for path in folder.rglob(pattern) if path.is_file()})
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n".encode())
    return f"sha256:{digest.hexdigest()}"
