from pathlib import Path

import orjson
import pytest

from data.prepare import prepare_domain

RAW = Path(__file__).parents[3].parent / "shared/data/raw"


def _prepare(name: str, tmp_path: Path) -> dict[str, int]:
    if not (RAW / name).is_dir():
        pytest.skip(f"real data {RAW / name} are not here")
    prepare_domain(RAW / name, tmp_path / name)
    manifest: dict[str, int] = orjson.loads((tmp_path / name / "manifest.json").read_bytes())
    return manifest


def test_magazine_after_5_core(tmp_path: Path) -> None:
    manifest = _prepare("Magazine", tmp_path)
    assert (manifest["users"], manifest["items"]) == (274, 124)
    titles = [orjson.loads(line)["title"] for line in (tmp_path / "Magazine/item.jsonl").open("rb")]
    assert not any("<" in title for title in titles)


def test_gift_cards(tmp_path: Path) -> None:
    manifest = _prepare("GiftCards", tmp_path)
    assert (manifest["users"], manifest["items"], manifest["interactions"]) == (453, 147, 2944)


def test_movies_are_100_000_interactions(tmp_path: Path) -> None:
    read = 0
    for genre in ("Drama", "Comedy", "Action", "Thriller"):
        _prepare(f"Movies{genre}", tmp_path)
        manifest = orjson.loads((tmp_path / f"Movies{genre}/manifest.json").read_bytes())
        read += manifest["steps"][0]["interactions"]
        for line in (tmp_path / f"Movies{genre}/item.jsonl").open("rb"):
            image = orjson.loads(line)["image"]
            assert image is None or (tmp_path / f"Movies{genre}" / image).is_file()
    assert read == 100_000
