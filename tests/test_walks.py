"""The walks from raw files to a fine-tuned model, run as configs/prepare/README.md says, at their smallest."""

import re
from pathlib import Path

import orjson
import pytest

from tests.commands import ROOT, bash_blocks, copy_repository, run

WALKS = ROOT / "configs/prepare/README.md"
REAL = ROOT.parent / "shared/data/raw"
MAGAZINE, GIFT_CARDS, MOVIES, AMAZON_2014, RECBOLE = bash_blocks(WALKS)
SMALLEST = " ".join(
    ["--trainer.max_epochs 1 --data.window 10"]
    + [f"--model.system.init_args.{size}" for size in ("hidden 16", "inner 16", "state 8", "head_dim 8")]
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_repository(tmp_path_factory.mktemp("walks") / "tributary")


def put_real(copy: Path, folder: str, *shops: str) -> None:
    for shop in shops:
        if not (REAL / shop).is_dir():
            pytest.skip(f"real data {REAL / shop} are not here")
        (copy / folder).mkdir(parents=True, exist_ok=True)
        (copy / folder / shop).symlink_to(REAL / shop)


def walk(block: str, copy: Path) -> str:
    """Run a block, a training command with options that make it small; its output."""
    small = re.sub(r"^(python (?:main|pretrain)\.py .*)$", rf"\1 {SMALLEST}", block, flags=re.M)
    assert small.count(SMALLEST) == block.count("--run_dir") > 0
    done = run(f"set -e\n{small}", copy, timeout=900)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def check(block: str, copy: Path, domain: str, run_dir: str) -> None:
    """The domain has the sizes that the text behind the block says, and the run was tested."""
    said = WALKS.read_text().partition(block)[2].partition("## ")[0]
    manifest = orjson.loads((copy / domain / "manifest.json").read_bytes())
    sizes = "{users:,} users, {items:,} items, {interactions:,} interactions".format(**manifest)
    assert sizes in " ".join(said.split())
    tested = orjson.loads((copy / run_dir / "test.json").read_bytes())
    assert Path(domain).name in str(tested["domain"])


def test_magazine(copy: Path) -> None:
    put_real(copy, "dataset/amazon_v2/raw", "Magazine")
    walk(MAGAZINE, copy)
    check(MAGAZINE, copy, "dataset/amazon_v2/processed/Magazine", "saved/magazine")


def test_gift_cards(copy: Path) -> None:
    put_real(copy, "dataset/amazon_v2/raw", "GiftCards")
    walk(GIFT_CARDS, copy)
    check(GIFT_CARDS, copy, "dataset/amazon_v2/processed/GiftCards", "saved/giftcards")


@pytest.mark.slow
def test_movies(copy: Path) -> None:
    put_real(copy, "dataset/movies/raw", "MoviesDrama", "MoviesComedy", "MoviesAction", "MoviesThriller")
    assert re.search(r"\d+ transferred", walk(MOVIES, copy))
    check(MOVIES, copy, "dataset/movies/processed/MoviesThriller", "saved/thriller")


@pytest.mark.parametrize(
    ("block", "name", "layout"),
    [(AMAZON_2014, "amazon_2014", "Amazon 2014 metadata"), (RECBOLE, "recbole", "RecBole items")],
    ids=["amazon_2014", "recbole"],
)
def test_a_sample_in_another_layout(block: str, name: str, layout: str, copy: Path) -> None:
    assert layout in walk(block, copy)
    check(block, copy, f"dataset/{name}/processed/Stationery", f"saved/{name}")
