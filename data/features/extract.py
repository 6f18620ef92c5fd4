"""The command ``python prepare.py features``: item texts and pictures to feature tables."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from data.errors import bad
from data.features.choices import Choice, Choices, check_fit, check_table, choose
from data.features.classic_image import ClassicImage
from data.features.classic_text import ClassicText, fitted_on
from data.features.encoder import Encoder
from data.features.fitting import encoder_path, fit_text, keep_text_encoder
from data.features.job import Extracted, Job, TableJob
from data.features.load import Modality
from data.features.precomputed import Precomputed
from data.features.pretrained.running import Running
from data.features.sources import DIGESTS
from data.files import one_writer
from data.ids import PREPARE


def extract_features(
    domains: list[Path],
    encoder: str | None = None,
    revision: str | None = None,
    text: Choice | None = None,
    image: Choice | None = None,
    fit: list[Path] | None = None,
    text_table: Path | None = None,
    image_table: Path | None = None,
    text_encoder: Path | None = None,
    text_dim: int = 64,
    image_size: int = 64,
    seed: int = 0,
    devices: list[str] | None = None,
    batch: int | None = None,
    workers: int | None = None,
    shard: int = 4096,
    overwrite: bool = False,
) -> list[Extracted]:
    """Extract the features of texts and pictures into ``<domain>/features/{text,image}.safetensors``.

    Domains that are to be merged, or to share a backbone, are given together: they then share one space.
    What is up to date is kept as it is; a published model goes on where it was stopped.

    Args:
        domains: processed domain folders.
        encoder: a published model: siglip, siglip2, clip (texts and pictures in one space), sentence (texts alone),
            any such model's name on the Hugging Face Hub, or its folder.
        revision: of that model on the hub: branch, tag or commit.
        text: classic (TF-IDF + SVD), encoder (the model), precomputed (give text_table) or none (leave as it is);
            by default classic, or encoder where one is given.
        image: classic (HOG + colours), encoder (the model), precomputed (give image_table) or none (leave as it
            is); by default classic; where a model is given encoder, or none if it encodes no pictures.
        fit: domains whose texts the classic text encoder learns from; all of ``domains`` by default.
        text_table: .safetensors, .npz or .pth with ``items`` (item ids) and ``embedding`` (items, dim).
        image_table: the same for pictures; an item that it does not name has no picture.
        text_encoder: a features/text_encoder.safetensors to use again, for new items or a new shop.
        text_dim: width of classic text features; a given text_encoder keeps its own.
        image_size: pictures are resized to this many pixels on each side, by the classic encoder.
        seed: of the randomised SVD.
        devices: of the model, as [cuda:0, cuda:1], a process each; every GPU by default, else the CPU.
        batch: items that the model sees at once; by default as the memory allows.
        workers: processes that decode and tokenise ahead of the model, for each device; 0 is none.
        shard: items between two savings: what a kill may cost.
        overwrite: replace features made in another way, or from other items, texts or pictures.

    Returns:
        What was done, one entry for each domain and modality.

    Raises:
        ValueError: missing or malformed input, contradicting options, or stored features that differ and may
            not be replaced (compared before anything is written).
    """
    chosen = choose(text, image, encoder, revision)
    check_table("text", chosen.text, text_table)
    check_table("image", chosen.image, image_table)
    check_fit(chosen.text, fit, text_encoder)
    how = Running(devices, batch, workers, shard)
    folders = _folders(domains)
    with ExitStack() as locks:
        for folder in sorted(folders, key=Path.resolve):  # in one order: two commands cannot block each other
            locks.enter_context(one_writer(folder))
        shared = None
        if chosen.text == "classic" and text_encoder:
            shared = ClassicText.load(text_encoder), fitted_on(text_encoder)
        elif chosen.text == "classic":
            shared = fit_text(folders, _folders(fit or folders), ClassicText(text_dim, seed=seed))
        classic = ClassicImage(image_size) if chosen.image == "classic" else None
        jobs = _jobs(folders, "text", shared[0] if shared else None, text_table, chosen, how)
        jobs += _jobs(folders, "image", classic, image_table, chosen, how)
        current = [job.is_current(overwrite) for job in jobs]
        done = [job.run(reuse) for job, reuse in zip(jobs, current, strict=True)]
        for folder in folders:
            if shared:
                keep_text_encoder(folder, *shared)
            elif chosen.text != "none":
                encoder_path(folder).unlink(missing_ok=True)  # it made features that are gone now
    return done


def _jobs(
    folders: Sequence[Path],
    modality: Modality,
    classic: Encoder | None,
    table: Path | None,
    chosen: Choices,
    how: Running,
) -> list[TableJob]:
    """A job for each domain, by whichever encoder is there; none where there is none."""
    if classic:
        return [Job(folder, modality, classic, DIGESTS[modality]) for folder in folders]
    if table:
        encoder = Precomputed(table)
        return [Job(folder, modality, encoder, None, encoder.checksum) for folder in folders]
    if chosen.space and chosen.of(modality) == "encoder":
        from data.features.pretrained.job import pretrained_jobs  # torch is slow to import

        return pretrained_jobs(folders, modality, chosen.space, how)
    return []


def _folders(domains: Sequence[Path]) -> list[Path]:
    """The folders, each once; raises ``ValueError`` where one does not exist."""
    folders = list({domain.resolve(): domain for domain in domains}.values())
    if not folders:
        raise ValueError("No domain is given. Give processed domain folders: --domains '[a,b]'.")
    for folder in folders:
        if not folder.is_dir():
            raise bad(folder, "no such folder", PREPARE)
    return folders
