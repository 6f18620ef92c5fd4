"""Items and users that domains share, by their raw keys; joined out of core, since users can be many."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from data.domain import Domain
from data.files import one_writer, scratch_dir
from data.ids import read_ids
from data.prepare.duck import DuckdbEngine, duckdb_engine
from data.prepare.manifest import stored_manifest

Matrix = list[list[int]]

_KEYS = 100_000  # of a row group
_TABLES = {"items": ("item2id.jsonl", 1), "users": ("user2id.jsonl", 0)}


def measure_overlap(domains: Sequence[Domain], out: Path) -> dict[str, Matrix]:
    """``{"items": M, "users": M}``; ``M[a][b]`` keys are in the domains a and b, the diagonal is a domain's own.

    A merged domain's keys ``<Domain>/<key>`` count as ``<key>``, so that it shares with its shops.

    Args:
        domains: two or more.
        out: of the report; what does not fit into memory goes beside it, for as long as it takes.

    Raises:
        ValueError: an id table is missing or malformed.
    """
    with one_writer(out), scratch_dir(out) as folder, duckdb_engine(folder, "1GB", None) as engine:
        return {what: _matrix(engine, domains, folder, *table) for what, table in _TABLES.items()}


def _matrix(engine: DuckdbEngine, domains: Sequence[Domain], folder: Path, table: str, first: int) -> Matrix:
    paths = [folder / f"{first}-{number}.parquet" for number in range(len(domains))]
    for domain, path in zip(domains, paths, strict=True):
        _write_keys(domain, table, first, path)
    keys = [engine.table(path).distinct() for path in paths]
    shared = [[0] * len(keys) for _ in keys]
    for a, own in enumerate(keys):
        for b, other in enumerate(keys[: a + 1]):
            both = own.inner_join(other, "key") if a != b else own
            shared[a][b] = shared[b][a] = engine.row(both.aggregate(keys=both.count()))["keys"]
    return shared


def _write_keys(domain: Domain, table: str, first: int, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([pa.field("key", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        told = _raw_keys(domain, table, first)
        while keys := list(islice(told, _KEYS)):
            writer.write_table(pa.table({"key": keys}, schema))


def _raw_keys(domain: Domain, table: str, first: int) -> Iterator[str]:
    manifest = stored_manifest(domain.path)
    merged = isinstance(manifest, dict) and manifest.get("kind") == "merged"
    keys = read_ids(domain.path / table, first)
    return (key.partition("/")[2] for key in keys) if merged else keys
