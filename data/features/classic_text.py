"""Latent semantic analysis of item texts: TF-IDF of words and word pairs, then a truncated SVD.

Deerwester et al. 1990, "Indexing by latent semantic analysis". With term counts c and document frequency df:
w = (1 + ln c) · (ln((1 + n)/(1 + df)) + 1), rows of length 1 (scikit-learn's sublinear TF-IDF), and the
features are w·Vᵀ, rows of length 1, for the first ``dim`` right singular vectors V.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from data.errors import bad
from data.features.encoder import Item
from data.features.table import known_rows
from data.features.tensors import json_list, load_metadata, load_tensors, save_tensors

if TYPE_CHECKING:  # scipy and scikit-learn are slow to import: done where they are used
    from scipy.sparse import csr_matrix

log = logging.getLogger(__name__)

CHUNK = 4096  # texts encoded at a time
TINY = 1e-6  # a singular value, or a projection, this far below the largest is rounding only
REMEDY = "Extract the features again, or give another text_encoder"


class ClassicText:
    """TF-IDF + SVD, rows of length 1. An empty text, or one without a known term, is missing.

    Args:
        dim: width of a row; beyond the rank of the texts it is filled with zeros.
        max_terms: how many of the most frequent terms are kept.
        seed: of the randomised SVD.
    """

    name = "tfidf-svd"

    def __init__(self, dim: int = 64, max_terms: int = 20_000, seed: int = 0) -> None:
        if dim < 1 or max_terms < 1:
            raise ValueError(f"dim {dim} and max_terms {max_terms} must be at least 1. Give larger ones.")
        self.dim, self.max_terms, self.seed = dim, max_terms, seed
        self.terms: list[str] = []
        self.idf: NDArray[np.float32] = np.zeros(0, np.float32)
        self.components: NDArray[np.float32] = np.zeros((dim, 0), np.float32)

    @property
    def settings(self) -> dict[str, Any]:
        """What was asked for, before anything is learned."""
        return {"dim": self.dim, "max_terms": self.max_terms, "seed": self.seed, "version": 1}

    @property
    def options(self) -> dict[str, Any]:
        """The settings and the digest of what was learned."""
        return {**self.settings, "fitted": self.digest()}

    def digest(self) -> str:
        """Hex sha256 of the terms, their weights and the components."""
        parts = (json.dumps(self.terms).encode(), self.idf.tobytes(), self.components.tobytes())
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def fit(self, items: Iterable[Item]) -> Self:
        """Learn terms (in two texts at least, if there are such), weights and components of the texts."""
        texts = [item.text for item in items if item.text.strip()]
        counts, self.terms = _count(texts, self.max_terms)
        if not self.terms:
            log.warning("%d texts hold no term: every item counts as missing", len(texts))
            self.idf, self.components = np.zeros(0, np.float32), np.zeros((self.dim, 0), np.float32)
            return self
        frequency = np.bincount(counts.indices, minlength=len(self.terms))
        self.idf = (np.log((1 + len(texts)) / (1 + frequency)) + 1).astype(np.float32)
        self.components = _components(self._weigh(counts), self.dim, self.seed)
        rank = int(self.components.any(axis=1).sum())
        if rank < self.dim:
            log.warning("%d texts span %d dimensions only: the other %d are zero", len(texts), rank, self.dim - rank)
        return self

    def encode(self, items: Iterable[Item]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Rows (n, dim) of length 1 and which are known (n,)."""
        parts = [self._encode(texts) for texts in _chunks(items)]
        values = np.concatenate([np.zeros((0, self.dim), np.float32), *parts])
        return values, known_rows(values)

    def _encode(self, texts: list[str]) -> NDArray[np.float32]:
        if not self.terms:
            return np.zeros((len(texts), self.dim), np.float32)
        counts = _vectorizer(vocabulary=self.terms).transform(texts)
        rows = np.asarray(self._weigh(counts) @ self.components.T, np.float32)
        rows[np.linalg.norm(rows, axis=1) <= TINY] = 0.0
        from sklearn.preprocessing import normalize

        return np.asarray(normalize(rows), np.float32)

    def _weigh(self, counts: "csr_matrix") -> "csr_matrix":
        """Counts (n, terms) to TF-IDF (n, terms), rows of length 1."""
        from scipy.sparse import csr_matrix
        from sklearn.preprocessing import normalize

        weights = csr_matrix(counts, dtype=np.float32, copy=True)
        weights.data = (1 + np.log(weights.data)) * self.idf[weights.indices]
        return normalize(weights)

    def save(self, path: Path, fitted_on: str = "") -> None:
        """Write what was learned as safetensors (no pickle); ``fitted_on`` is a digest of the texts."""
        metadata = {
            "encoder": self.name,
            "settings": json.dumps(self.settings, sort_keys=True),
            "terms": json.dumps(self.terms),
            "fitted_on": fitted_on,
        }
        save_tensors(path, {"idf": self.idf, "components": self.components}, metadata)

    @classmethod
    def load(cls, path: Path) -> Self:
        """A saved encoder.

        Raises:
            ValueError: missing or broken file, or not a saved ``ClassicText``.
        """
        tensors = load_tensors(path, ("idf", "components"), REMEDY)
        metadata = load_metadata(path, REMEDY)
        if metadata.get("encoder") != cls.name:
            raise bad(path, f"is made by '{metadata.get('encoder')}', not by '{cls.name}'", REMEDY)
        encoder = cls(**_arguments(path, metadata.get("settings", "")))
        encoder.terms = json_list(path, metadata, "terms", REMEDY)
        encoder.idf, encoder.components = tensors["idf"], tensors["components"]
        expected = (encoder.dim, len(encoder.terms))
        if encoder.components.shape != expected or encoder.idf.shape != expected[1:]:
            raise bad(path, f"'components' is {encoder.components.shape}, not {expected}", REMEDY)
        if not (np.isfinite(encoder.idf).all() and np.isfinite(encoder.components).all()):
            raise bad(path, "holds NaN or infinity", REMEDY)
        return encoder


def fitted_on(path: Path) -> str:
    """Digest of the texts that a saved encoder was fitted on, "" where unknown."""
    return load_metadata(path, REMEDY).get("fitted_on", "")


def _vectorizer(**options: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(strip_accents="unicode", stop_words="english", ngram_range=(1, 2), dtype=np.int32, **options)


def _count(texts: list[str], max_terms: int) -> tuple["csr_matrix", list[str]]:
    """Counts (n, terms) and the terms in alphabetical order; those of one text only if no others."""
    from scipy.sparse import csr_matrix

    for least in (2, 1):
        vectorizer = _vectorizer(min_df=min(least, len(texts) or 1), max_features=max_terms)
        try:
            counts = vectorizer.fit_transform(texts)
        except ValueError:  # scikit-learn's way to say that no term is left
            continue
        return counts, [str(term) for term in vectorizer.get_feature_names_out()]
    return csr_matrix((len(texts), 0), dtype=np.int32), []


def _components(weights: "csr_matrix", dim: int, seed: int) -> NDArray[np.float32]:
    """The first right singular vectors (dim, terms), largest entry positive; zero rows beyond the rank."""
    components = np.zeros((dim, weights.shape[1]), np.float32)
    count = min(dim, *weights.shape)
    if count:
        from sklearn.utils.extmath import randomized_svd
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        with threadpool_limits(1):  # the last digits depend on the number of threads
            _, sizes, vectors = randomized_svd(weights, count, n_iter=5, random_state=seed)
        vectors = vectors[sizes > TINY * sizes[0]]
        peaks = vectors[np.arange(len(vectors)), np.abs(vectors).argmax(axis=1)]
        components[: len(vectors)] = vectors * np.sign(peaks)[:, None]
    return components


def _chunks(items: Iterable[Item]) -> Iterator[list[str]]:
    texts: list[str] = []
    for item in items:
        texts.append(item.text)
        if len(texts) == CHUNK:
            yield texts
            texts = []
    if texts:
        yield texts


def _arguments(path: Path, text: str) -> dict[str, int]:
    """The constructor's arguments out of a saved encoder's settings."""
    try:
        settings = json.loads(text)
        if settings.pop("version") != 1:
            raise bad(path, "is of another version of this encoder", REMEDY)
        return {key: int(settings[key]) for key in ("dim", "max_terms", "seed")}
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise bad(path, "has no readable 'settings'", REMEDY) from error
