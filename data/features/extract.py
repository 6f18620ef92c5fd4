"""The command ``python prepare.py features``: item texts and pictures to feature tables."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from data.errors import bad
from data.features.classic_image import ClassicImage
from data.features.classic_text import ClassicText, fitted_on
from data.features.fitting import encoder_path, fit_text, keep_text_encoder
from data.features.job import Extracted, Job
from data.features.precomputed import Precomputed
from data.features.sources import picture_digest, text_digest
from data.files import one_writer
from data.ids import PREPARE

Choice = Literal["classic", "precomputed", "none"]


def extract_features(
    domains: list[Path],
    fit: list[Path] | None = None,
    text: Choice = "classic",
    image: Choice = "classic",
    text_table: Path | None = None,
    image_table: Path | None = None,
    text_encoder: Path | None = None,
    text_dim: int = 64,
    image_size: int = 64,
    seed: int = 0,
    overwrite: bool = False,
) -> list[Extracted]:
    """Extract the features of texts and pictures into ``<domain>/features/{text,image}.safetensors``.

    Domains that are to be merged, or to share a backbone, are given together: they then share one space.
    What is up to date is kept as it is.

    Args:
        domains: processed domain folders.
        fit: domains whose texts the classic text encoder learns from; all of ``domains`` by default.
        text: classic (TF-IDF + SVD), precomputed (give text_table) or none (leave as it is).
        image: classic (HOG + colours), precomputed (give image_table) or none (leave as it is).
        text_table: .safetensors, .npz or .pth with ``items`` (item ids) and ``embedding`` (items, dim).
        image_table: the same for pictures; an item that it does not name has no picture.
        text_encoder: a features/text_encoder.safetensors to use again, for new items or a new shop.
        text_dim: width of classic text features; a given text_encoder keeps its own.
        image_size: pictures are resized to this many pixels on each side.
        seed: of the randomised SVD.
        overwrite: replace features made in another way, or from other items, texts or pictures.

    Returns:
        What was done, one entry for each domain and modality.

    Raises:
        ValueError: missing or malformed input, contradicting options, or stored features that differ and may
            not be replaced (compared before anything is written).
    """
    _check("text", text, text_table)
    _check("image", image, image_table)
    _check_fit(text, fit, text_encoder)
    folders = _folders(domains)
    with ExitStack() as locks:
        for folder in sorted(folders, key=Path.resolve):  # in one order: two commands cannot block each other
            locks.enter_context(one_writer(folder))
        shared = None
        if text == "classic" and text_encoder:
            shared = ClassicText.load(text_encoder), fitted_on(text_encoder)
        elif text == "classic":
            shared = fit_text(folders, _folders(fit or folders), ClassicText(text_dim, seed=seed))
        jobs = _text_jobs(folders, shared, text_table) + _image_jobs(folders, image, image_table, image_size)
        current = [job.is_current(overwrite) for job in jobs]
        done = [job.run(reuse) for job, reuse in zip(jobs, current, strict=True)]
        for folder in folders:
            if shared:
                keep_text_encoder(folder, *shared)
            elif text_table:
                encoder_path(folder).unlink(missing_ok=True)  # it made features that are gone now
    return done


def _text_jobs(folders: Sequence[Path], shared: tuple[ClassicText, str] | None, table: Path | None) -> list[Job]:
    if shared:
        return [Job(folder, "text", shared[0], text_digest) for folder in folders]
    encoder = Precomputed(table) if table else None
    return [Job(folder, "text", encoder, None, encoder.checksum) for folder in folders if encoder]


def _image_jobs(folders: Sequence[Path], choice: Choice, table: Path | None, size: int) -> list[Job]:
    if choice == "none":
        return []
    if table:
        encoder = Precomputed(table)
        return [Job(folder, "image", encoder, None, encoder.checksum) for folder in folders]
    return [Job(folder, "image", ClassicImage(size), picture_digest) for folder in folders]


def _check(modality: str, choice: Choice, table: Path | None) -> None:
    if choice == "precomputed" and table is None:
        raise ValueError(f"{modality} is precomputed, but no table is given. Add --{modality}_table FILE.")
    if choice != "precomputed" and table is not None:
        raise ValueError(f"{modality}_table is given, but {modality} is {choice}. Add --{modality} precomputed.")


def _check_fit(text: Choice, fit: list[Path] | None, text_encoder: Path | None) -> None:
    if text != "classic" and (fit is not None or text_encoder is not None):
        raise ValueError(f"fit and text_encoder are for classic text, but text is {text}. Leave them out.")
    if fit is not None and text_encoder is not None:
        raise ValueError("fit and text_encoder are both given: a given encoder is not fitted. Leave one out.")


def _folders(domains: Sequence[Path]) -> list[Path]:
    """The folders, each once; raises ``ValueError`` where one does not exist."""
    folders = list({domain.resolve(): domain for domain in domains}.values())
    if not folders:
        raise ValueError("No domain is given. Give processed domain folders: --domains '[a,b]'.")
    for folder in folders:
        if not folder.is_dir():
            raise bad(folder, "no such folder", PREPARE)
    return folders
