"""`prepare.py images`: from raw metadata to pictures, a report, and a domain that names them; kills too."""

import gzip
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from picture_web import Web, body, bomb, picture, serve, status
from PIL import Image

from data.features.encoder import read_items
from data.images.command import fetch_images
from data.prepare import prepare_domain

ROOT = Path(__file__).parents[3]
GONE = "the server answers 404"


@pytest.fixture
def web() -> Iterator[Web]:
    with serve(Web()) as served:
        yield served


def make_domain(folder: Path, addresses: dict[str, list[str]]) -> Path:
    """A raw shop of these items, and the domain prepared from it."""
    raw, domain = folder / "raw/Tea", folder / "processed/Tea"
    raw.mkdir(parents=True)
    (raw / "Tea.csv").write_text("".join(f"{item},u{n},5,{n}\n" for n, item in enumerate(addresses)))
    entries = [{"asin": item, "title": item, "imageURLHighRes": found} for item, found in addresses.items()]
    (raw / "meta_Tea.json.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, entries)).encode(), mtime=0))
    prepare_domain(raw, domain, core=1)
    return domain


def report(domain: Path) -> dict:
    return orjson.loads((domain.parents[1] / "raw/Tea/images/report.json").read_bytes())


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_fetched_missing_and_failed(web, tmp_path, caplog):
    web.answers = {"/a": [body(picture(60))], "/page": [body(b"<html>")], "/bomb": [body(bomb(9_000))]}
    shop = {
        "A": [web.at("/a")],
        "B": [],
        "C": [web.at("/gone")],
        "D": [web.at("/gone"), web.at("/a")],
        "E": [web.at("/page")],
        "F": [web.at("/bomb")],
        "G/H": [web.at("/a")],
    }
    domain = make_domain(tmp_path, shop)
    with caplog.at_level("INFO"):
        fetch_images(domain, size=32)
    told = report(domain)
    assert (told["items"], told["fetched"], told["missing"]) == (7, 2, ["B"])
    assert told["shrink"] == {"size": 32, "quality": 90}
    assert {item: failure["why"].partition(" (")[0] for item, failure in told["failed"].items()} == {
        "C": GONE,
        "E": "no usable picture",
        "F": "no usable picture",
        "G/H": "the item's key cannot be a file name",
    }
    assert told["failed"]["C"]["address"] == web.at("/gone")
    assert "| the" not in caplog.text and "failed      " + GONE in caplog.text
    found = {item.key: item.image for item in read_items(domain)}
    assert {item for item, path in found.items() if path} == {"A", "D"}
    assert Image.open(found["A"]).size == (32, 32)


def test_failed_ones_are_asked_again_only_when_told(web, tmp_path):
    domain = make_domain(tmp_path, {"A": [web.at("/a")], "B": [web.at("/b")]})
    web.answers["/b"] = [body(picture())]
    fetch_images(domain)
    web.answers["/a"] = [body(picture(seed=1))]
    fetch_images(domain)
    assert web.asked == {"/a": 1, "/b": 1} and set(report(domain)["failed"]) == {"A"}
    fetch_images(domain, retry=True)
    assert web.asked == {"/a": 2, "/b": 1} and not report(domain)["failed"] and report(domain)["fetched"] == 2


def test_pictures_that_were_there_are_kept(web, tmp_path):
    domain = make_domain(tmp_path, {"A": [web.at("/a")]})
    images = tmp_path / "raw/Tea/images"
    images.mkdir()
    (images / "A.png").write_bytes(picture())
    fetch_images(domain)
    assert not web.asked and (images / "A.png").read_bytes() == picture()
    assert [item.image.name for item in read_items(domain)] == ["A.png"]


def test_a_linked_domain_is_what_prepare_would_have_made(web, tmp_path):
    web.answers["/a"] = [body(picture())]
    domain = make_domain(tmp_path, {"A": [web.at("/a")], "B": []})
    fetch_images(domain)
    linked = contents(domain)
    prepare_domain(tmp_path / "raw/Tea", domain, core=1)  # reused: nothing differs
    prepare_domain(tmp_path / "raw/Tea", tmp_path / "again/Tea", core=1)
    again = contents(tmp_path / "again/Tea")
    assert (
        linked == contents(domain) and linked["item.jsonl"].replace(b"../../raw", b"../../raw") == again["item.jsonl"]
    )
    assert linked.keys() == again.keys()


def test_other_sizes_merged_domains_and_no_domain_are_refused(web, tmp_path):
    domain = make_domain(tmp_path, {"A": []})
    fetch_images(domain)
    with pytest.raises(ValueError, match="size 256 and quality 90"):
        fetch_images(domain, size=224)
    with pytest.raises(ValueError, match=r"manifest\.json: there is no such file"):
        fetch_images(tmp_path)
    path = domain / "manifest.json"
    path.write_text(path.read_text().replace('"kind": "domain"', '"kind": "merged"'))
    with pytest.raises(ValueError, match="for each shop, then merge"):
        fetch_images(domain)
    (tmp_path / "raw/Tea/images/report.json").write_text("{}")
    path.write_text(path.read_text().replace('"kind": "merged"', '"kind": "domain"'))
    with pytest.raises(ValueError, match=r"report\.json: malformed"):
        fetch_images(domain)


def test_a_full_disk_is_told_and_what_is_there_stays(web, tmp_path, monkeypatch):
    web.answers = {f"/{n}": [body(picture(seed=n))] for n in range(5)}
    domain = make_domain(tmp_path, {f"I{n}": [web.at(f"/{n}")] for n in range(5)})

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("data.images.crawl._store", full)
        with pytest.raises(OSError, match="No space left"):
            fetch_images(domain)
    assert report(domain)["fetched"] == 0 and not report(domain)["failed"]
    fetch_images(domain)
    assert report(domain)["fetched"] == 5


def test_killed_and_run_again_gives_the_same_bytes(web, tmp_path):
    web.pace = 0.01
    web.answers = {f"/{n}": [body(picture(seed=n))] for n in range(40)} | {"/7": [status(403)]}
    shop = {f"I{n:02}": [web.at(f"/{n}")] for n in range(40)}
    whole, killed = make_domain(tmp_path / "whole", shop), make_domain(tmp_path / "killed", shop)
    fetch_images(whole, size=32)
    web.pace, before = 0.1, web.asked.copy()
    images = tmp_path / "killed/raw/Tea/images"
    command = [sys.executable, "prepare.py", "images", "--domain", str(killed), "--size", "32", "--per_host", "2"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    while process.poll() is None and len(list(images.glob("I*.jpg"))) < 5:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = len(list(images.glob("I*.jpg")))
    assert 5 <= there < 39
    (images / ".I39.jpg.x.part").write_bytes(b"half")  # as a kill in the middle of writing leaves it
    web.pace = 0.0
    fetch_images(killed, size=32)
    assert sum((web.asked - before).values()) <= 40 + 3  # those under way, and the one that failed, were asked twice
    for folder in ("raw/Tea/images", "processed/Tea"):
        mine = contents(tmp_path / "killed" / folder)
        assert mine == contents(tmp_path / "whole" / folder)
