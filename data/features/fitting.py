"""The text encoder that several domains share: fitted once, kept with each, used again when it can be."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data.features.classic_text import ClassicText, fitted_on
from data.features.encoder import Item, read_items
from data.features.sources import text_digest


def encoder_path(domain: Path) -> Path:
    """Where a domain keeps the encoder of its text features."""
    return domain / "features" / "text_encoder.safetensors"


def fit_text(domains: Sequence[Path], fit: Sequence[Path], wanted: ClassicText) -> tuple[ClassicText, str]:
    """``wanted``, fitted on the texts of ``fit``, and the digest of these texts.

    An encoder that one of ``domains`` keeps, of the same settings and texts, is used again.
    """
    texts = text_digest(_all_items(fit))
    for domain in domains:
        kept = _kept(domain, texts)
        if kept is not None and kept.settings == wanted.settings:
            return kept, texts
    return wanted.fit(_all_items(fit)), texts


def keep_text_encoder(domain: Path, encoder: ClassicText, texts: str) -> None:
    """Store ``encoder`` with a domain, unless it is there."""
    kept = _kept(domain, texts)
    if kept is None or kept.options != encoder.options:
        encoder.save(encoder_path(domain), texts)


def _kept(domain: Path, texts: str) -> ClassicText | None:
    """The encoder that a domain keeps if it was fitted on these texts; None also for a broken file."""
    path = encoder_path(domain)
    try:
        return ClassicText.load(path) if fitted_on(path) == texts else None
    except ValueError:
        return None


def _all_items(domains: Sequence[Path]) -> Iterator[Item]:
    for domain in domains:
        yield from read_items(domain)
