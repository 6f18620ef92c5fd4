"""`prepare.py fetch` as a command: names, several files at once, faults side by side, kills."""

import gzip
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from web import Web, serve

from data.fetch.command import fetch_domains
from data.fetch.table import sources

ROOT = Path(__file__).parents[3]
REVIEWS = "/data/categoryFilesSmall/Prime_Pantry_5.json.gz"
METADATA = "/data/metaFiles2/meta_Prime_Pantry.json.gz"
BIG = gzip.compress(random.Random(1).randbytes(3_000_000), 1, mtime=0)
SMALL = gzip.compress(b'{"asin": "A"}\n', mtime=0)


@pytest.fixture
def web() -> Iterator[Web]:
    with serve(Web(files={REVIEWS: BIG, METADATA: SMALL})) as served:
        yield served


def test_names_and_places() -> None:
    wanted = sources(["Scientific", "Food", "Scientific"], Path("raw"), None)
    below = "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_v2"
    assert [source.url.removeprefix(below) for source in wanted] == [
        "/categoryFilesSmall/Industrial_and_Scientific_5.json.gz",
        "/metaFiles2/meta_Industrial_and_Scientific.json.gz",
        "/categoryFilesSmall/Grocery_and_Gourmet_Food_5.json.gz",
        "/metaFiles2/meta_Grocery_and_Gourmet_Food.json.gz",
    ]
    assert wanted[0].target == Path("raw/Scientific/Industrial_and_Scientific_5.json.gz")
    assert wanted[3].target == Path("raw/Food/meta_Grocery_and_Gourmet_Food.json.gz")


def test_every_shop_of_the_scripts_can_be_fetched() -> None:
    pretrained = re.search(r'PRETRAIN_SHOPS="(.*)"', (ROOT / "script/data.sh").read_text())
    assert pretrained is not None
    fine_tuned = [path.stem.capitalize() for path in (ROOT / "script/finetune").glob("*.sh")]
    shops = [*pretrained[1].split(), *fine_tuned]
    assert len(shops) == 10 and len(sources(shops, Path(), None)) == 20, "reviews and metadata of each"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"domains": ["Pantry", "Nowhere"]}, "no domain is called Nowhere. There are .*Scientific"),
        ({"domains": []}, "no domain is named"),
        ({"domains": ["Pantry"], "base": "ftp://host"}, "must begin with http"),
        ({"domains": ["Pantry"], "base": "/local"}, "must begin with http"),
        ({"domains": ["Pantry"], "jobs": 0}, "jobs 0"),
        ({"domains": ["Pantry"], "timeout": 0.0}, "timeout 0"),
    ],
)
def test_bad_options(tmp_path: Path, options: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        fetch_domains(out=tmp_path, **options)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("jobs", [1, 4])
def test_files_of_a_domain(web: Web, tmp_path: Path, jobs: int) -> None:
    fetch_domains(["Pantry"], tmp_path, web.base + "/", jobs)
    folder = tmp_path / "Pantry"
    assert (folder / Path(REVIEWS).name).read_bytes() == BIG
    assert (folder / Path(METADATA).name).read_bytes() == SMALL
    assert len((folder / "SHA256SUMS").read_text().splitlines()) == 2, "both threads write the record"


def test_one_fault_does_not_stop_the_others(web: Web, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"2 of 4 files failed:\nhttp.*_5\.json\.gz: .*404.*\nhttp.*meta_.*404"):
        fetch_domains(["Scientific", "Pantry"], tmp_path, web.base)
    assert (tmp_path / "Pantry" / Path(REVIEWS).name).read_bytes() == BIG


def command(web: Web, out: Path) -> list[str]:
    options = ["--domains", "[Pantry]", "--out", str(out), "--base", web.base]
    return [sys.executable, str(ROOT / "prepare.py"), "fetch", *options]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches commands even where the tests run in the background, to which shells give it as ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_and_run_again(web: Web, tmp_path: Path, how: signal.Signals) -> None:
    """The second run asks for the rest alone, and ends with the same bytes."""
    web.pace = 0.05  # 46 blocks of 64 KiB: two seconds and more
    name = Path(REVIEWS).name
    part = tmp_path / "Pantry" / f".{name}.part"
    first = subprocess.Popen(command(web, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 60
        while not (part.is_file() and part.stat().st_size > 300_000):
            assert first.poll() is None and time.monotonic() < end
            time.sleep(0.01)
        first.send_signal(how)
        output, errors = first.communicate(timeout=60)
    finally:
        first.kill()
    assert first.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 130)
    assert "Traceback" not in errors and ("stopped: run the command again" in output) == (how == signal.SIGINT)
    kept = part.read_bytes()
    assert 300_000 < len(kept) < len(BIG) and BIG.startswith(kept)
    web.pace = 0.0
    done = subprocess.run(command(web, tmp_path), capture_output=True, text=True, check=True)
    assert (tmp_path / "Pantry" / name).read_bytes() == BIG
    assert [asked for asked in web.asked if asked[0] == REVIEWS] == [
        (REVIEWS, None, None),
        (REVIEWS, f"bytes={len(kept)}-", '"one"'),
    ]
    assert "verified" in done.stdout and done.stderr == "", "no bars where there is no terminal"
    hidden = [path.name for path in (tmp_path / "Pantry").iterdir() if path.name.endswith((".part", ".part.json"))]
    assert hidden == []


def test_fault_of_the_command_is_one_message(web: Web, tmp_path: Path) -> None:
    web.files.clear()
    done = subprocess.run(command(web, tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.startswith("error: 2 of 2 files failed")
