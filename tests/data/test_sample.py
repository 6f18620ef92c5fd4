"""The files of the sample shops: layout, determinism, what is missing, reuse and refusal."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from data.prepare import prepare_domain
from data.sample import make_sample

ROOT = Path(__file__).parents[2]
SMALL = {"users": 80, "items": 60, "target_users": 40, "target_items": 40, "image_size": 16}


def checksums(out: Path) -> dict[str, str]:
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }


def rows_of(folder: Path) -> list[list[str]]:
    return [line.split(",") for line in (folder / f"{folder.name}.csv").read_text().splitlines()]


def metadata_of(folder: Path) -> list[dict]:
    with gzip.open(folder / f"meta_{folder.name}.json.gz") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    path = tmp_path_factory.mktemp("raw")
    make_sample(path, **SMALL)
    return path


def test_the_amazon_layout(out):
    assert sorted(p.name for p in out.iterdir() if p.is_dir()) == ["Garden", "Stationery", "Tea", "Toys"]
    item, user, rating, time = rows_of(out / "Tea")[0]
    assert item.startswith("Tea-I") and user.startswith("Tea-U")
    assert 1 <= float(rating) <= 5 and 1_451_606_400 <= int(time) < 1_483_228_800  # within 2016
    fields = {"asin", "title", "brand", "category", "description", "imageURLHighRes"}
    assert all(record.keys() == fields for record in metadata_of(out / "Tea"))


def test_sizes_are_as_asked(out):
    assert len({row[1] for row in rows_of(out / "Tea")}) == 80
    assert len({row[1] for row in rows_of(out / "Stationery")}) == 40
    assert len({record["asin"] for record in metadata_of(out / "Stationery")}) == 40 - round(0.02 * 40)


def test_every_row_is_counted(out):
    made = make_sample(out, **SMALL)
    assert [shop.interactions for shop in made] == [len(rows_of(shop.folder)) for shop in made]
    assert [shop.pictures for shop in made] == [len(list(shop.folder.glob("images/*"))) for shop in made]


def test_shops_share_neither_items_nor_users(out):
    for column in (0, 1):
        seen = [{row[column] for row in rows_of(shop)} for shop in out.iterdir() if shop.is_dir()]
        assert len(set.union(*seen)) == sum(len(names) for names in seen)


def test_same_seed_same_bytes_in_any_process(out, tmp_path):
    code = f"from pathlib import Path; from data.sample import make_sample; make_sample(Path('x'), **{SMALL!r})"
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True)
    assert checksums(tmp_path / "x") == checksums(out)


def test_another_seed_other_bytes(out, tmp_path):
    make_sample(tmp_path, seed=1, **SMALL)
    ours, theirs = checksums(tmp_path), checksums(out)
    assert ours["Tea/Tea.csv"] != theirs["Tea/Tea.csv"]
    assert ours["Tea/meta_Tea.json.gz"] != theirs["Tea/meta_Tea.json.gz"]


def test_a_shop_does_not_depend_on_the_others(out, tmp_path):
    make_sample(tmp_path, shops=("Toys",), target=None, **SMALL)
    theirs = {name: digest for name, digest in checksums(out).items() if name.startswith("Toys/")}
    assert checksums(tmp_path) == theirs


def test_more_users_leave_the_first_blocks_as_they_are(tmp_path):
    options = {"shops": ("Tea",), "target": None, "items": 40, "length": 1000.0, "image_size": 0}
    make_sample(tmp_path / "few", users=117, **options)  # one block, at that length
    make_sample(tmp_path / "more", users=150, **options)
    few, more = ((tmp_path / name / "Tea/Tea.csv").read_bytes() for name in ("few", "more"))
    assert more.startswith(few) and len(more) > len(few)


def test_reviews_hold_the_same_interactions(tmp_path):
    options = {"shops": ("Tea",), "target": None} | SMALL
    make_sample(tmp_path / "ratings", **options)
    make_sample(tmp_path / "reviews", interactions="reviews", **options)
    with gzip.open(tmp_path / "reviews/Tea/Tea_5.json.gz") as file:
        reviews = [json.loads(line) for line in file]
    fields = ("asin", "reviewerID", "overall", "unixReviewTime")
    assert [[str(review[name]) for name in fields] for review in reviews] == rows_of(tmp_path / "ratings/Tea")


def test_every_layout_is_prepared_to_the_same_bytes(tmp_path):
    options = {"shops": ("Tea",), "target": None, "users": 60, "items": 40, "image_size": 16, "dirt": 0.1}
    made, told = {}, {}
    for layout in ("ratings", "reviews", "amazon_2014", "recbole"):
        make_sample(tmp_path / layout / "raw", interactions=layout, **options)
        prepare_domain(tmp_path / layout / "raw/Tea", tmp_path / layout / "Tea", core=2)
        made[layout] = checksums(tmp_path / layout / "Tea")
        told[layout] = json.loads((tmp_path / layout / "Tea/manifest.json").read_text())["layouts"]["interactions"]
        del made[layout]["manifest.json"]
    assert made["ratings"] == made["reviews"] == made["amazon_2014"] == made["recbole"]
    assert list(told.values()) == [
        "Amazon 2018 ratings",
        "Amazon 2018 reviews",
        "Amazon 2014 reviews",
        "RecBole interactions",
    ]


def test_shares_of_what_is_missing(tmp_path):
    options = {"shops": ("Tea",), "target": None, "users": 20, "items": 200, "image_size": 16, "dirt": 0.0}
    make_sample(tmp_path, missing_images=0.25, missing_text=0.2, missing_fields=0.0, **options)
    records = metadata_of(tmp_path / "Tea")
    assert len(list((tmp_path / "Tea/images").iterdir())) == 150
    bare = [r for r in records if not (r["title"] or r["brand"] or r["category"] or r["description"])]
    assert len(bare) == 40
    assert all(r["title"] and r["brand"] and r["category"] and r["description"] for r in records if r not in bare)


def test_missing_fields_leave_the_title(tmp_path):
    options = {"shops": ("Tea",), "target": None, "users": 20, "items": 200, "image_size": 0, "dirt": 0.0}
    make_sample(tmp_path, missing_text=0.0, missing_fields=0.3, **options)
    records = metadata_of(tmp_path / "Tea")
    assert all(record["title"] for record in records)
    for field in ("brand", "category", "description"):
        assert 0.15 < sum(not record[field] for record in records) / 200 < 0.45


def test_dirt_is_there(tmp_path):
    options = {"shops": ("Tea",), "target": None, "users": 100, "items": 100, "image_size": 0}
    make_sample(tmp_path, dirt=0.1, missing_text=0.0, **options)
    records, rows = metadata_of(tmp_path / "Tea"), rows_of(tmp_path / "Tea")
    asins = [record["asin"] for record in records]
    assert len(set(asins)) == 90 and len(asins) > 90
    assert {row[0] for row in rows} - set(asins)
    doubled = len(rows) - len({tuple(row) for row in rows})
    assert doubled == pytest.approx(0.1 * (len(rows) - doubled), abs=1)
    titles = [record["title"] for record in records]
    assert any("&amp;" in t for t in titles) and any(t.startswith("<span") for t in titles) and "" in titles


def test_no_dirt_on_request(tmp_path):
    make_sample(tmp_path, shops=("Tea",), target=None, users=50, items=50, image_size=0, dirt=0.0)
    rows = rows_of(tmp_path / "Tea")
    assert len(metadata_of(tmp_path / "Tea")) == 50
    assert len(rows) == len({tuple(row) for row in rows})


def test_pictures_decode_at_the_size_asked(out):
    paths = sorted((out / "Tea/images").iterdir())
    assert len(paths) == 54  # a tenth of 60 missing
    for path in paths:
        with Image.open(path) as picture:
            picture.load()
            assert (picture.size, picture.mode, picture.format) == ((16, 16), "RGB", "PNG")


def test_no_pictures_on_request(tmp_path):
    (made,) = make_sample(tmp_path, shops=("Tea",), target=None, users=10, items=10, image_size=0)
    assert made.pictures == 0 and not (tmp_path / "Tea/images").exists()


@pytest.mark.parametrize(("users", "items", "length"), [(1, 2, 2.0), (3, 3, 40.0), (5, 13, 5.0)])
def test_the_smallest_shops_work(tmp_path, users, items, length):
    (made,) = make_sample(
        tmp_path,
        shops=("Odd_1",),
        target=None,
        users=users,
        items=items,
        length=length,
        late=1.0,
        periodic=1.0,
    )
    assert made.interactions >= users


def test_a_second_run_reuses(out):
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.csv")}
    made = make_sample(out, **SMALL)
    assert all(shop.reused for shop in made)
    assert str(made[0]).startswith(f"reused {out / 'Tea'}: 80 users, 60 items")
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*.csv")}


def test_other_options_are_refused_before_anything_is_written(tmp_path):
    make_sample(tmp_path, shops=("Tea",), target=None, **SMALL)
    with pytest.raises(ValueError, match=r"Tea: .*other options \(seed\).*--out.*--overwrite"):
        make_sample(tmp_path, seed=5, shops=("Garden", "Tea"), target=None, **SMALL)
    assert not (tmp_path / "Garden").exists()


def test_overwrite_replaces_what_differs(tmp_path):
    make_sample(tmp_path, shops=("Tea",), target=None, **SMALL)
    (made,) = make_sample(tmp_path, shops=("Tea",), target=None, overwrite=True, seed=5, **SMALL)
    assert not made.reused
    make_sample(tmp_path / "fresh", shops=("Tea",), target=None, seed=5, **SMALL)
    assert checksums(tmp_path / "Tea") == checksums(tmp_path / "fresh/Tea")


def test_a_folder_of_the_users_own_is_never_replaced(tmp_path):
    (tmp_path / "Tea").mkdir()
    (tmp_path / "Tea/mine.txt").write_text("precious")
    with pytest.raises(ValueError, match="not made by this command"):
        make_sample(tmp_path, shops=("Tea",), target=None, overwrite=True, **SMALL)
    assert (tmp_path / "Tea/mine.txt").read_text() == "precious"


@pytest.mark.parametrize("text", ["{", "[]", '{"options": 3}'])
def test_a_broken_record_is_told(tmp_path, text):
    make_sample(tmp_path, shops=("Tea",), target=None, **SMALL)
    (tmp_path / "Tea/sample.json").write_text(text)
    with pytest.raises(ValueError, match=r"sample\.json: .*--out"):
        make_sample(tmp_path, shops=("Tea",), target=None, **SMALL)


def test_a_lost_file_is_told(tmp_path):
    make_sample(tmp_path, shops=("Tea",), target=None, **SMALL)
    (tmp_path / "Tea/Tea.csv").unlink()
    with pytest.raises(ValueError, match=r"lost Tea\.csv.*--overwrite"):
        make_sample(tmp_path, shops=("Tea",), target=None, **SMALL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"users": 0}, "users = 0 .* Give 1 or more"),
        ({"target_items": 1}, "Stationery: items = 1"),
        ({"seed": -1}, "seed"),
        ({"length": float("nan")}, "length"),
        ({"length": 2000.0}, "1000 or less"),
        ({"periodic": 1.5}, "share from 0 to 1"),
        ({"missing_images": -0.1}, "share from 0 to 1"),
        ({"dirt": 0.5}, "0.3 or less"),
        ({"image_size": 4}, "0 for no pictures"),
        ({"interactions": "clicks"}, "ratings or reviews"),
        ({"shops": ("../Tea",)}, "no shop name"),
        ({"shops": ("Tea", "tea")}, "named twice: tea"),
        ({"shops": (), "target": None}, "no shop is named"),
    ],
)
def test_bad_options_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        make_sample(tmp_path / "raw", **options)
    assert not (tmp_path / "raw").exists()
