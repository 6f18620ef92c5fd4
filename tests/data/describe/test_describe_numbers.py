"""The numbers of a report, against what is counted by hand."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from data.build_store import open_store
from data.describe.gaps import BINS, measure_gaps
from data.describe.lengths import measure_lengths
from data.describe.popularity import measure_popularity
from data.describe.report import Described, describe
from data.describe.scan import GAP_EDGES, scan
from data.gini import gini
from tests.data.describe.tiny import ITEMS, T, add_features, domain


def described(folder: Path) -> Described:
    (one,) = describe([folder], folder.parent).domains
    return one


def test_sizes(tmp_path: Path) -> None:
    one = described(domain(tmp_path / "Tea"))
    assert (one.name, one.folder, one.split) == ("Tea", str(tmp_path / "Tea"), "leave_one_out")
    assert (one.users, one.items, one.interactions) == (3, 4, 7)
    assert one.density == 5 / 12, "u0 has A, B, C; u1 has B; u2 has A"
    assert one.repeat_rate == 2 / 7, "A again, B again"


def test_lengths(tmp_path: Path) -> None:
    lengths = described(domain(tmp_path / "Tea")).lengths
    assert lengths.histories == [(1, 1), (2, 1), (4, 1)]
    assert (lengths.least, lengths.mean, lengths.median, lengths.p90, lengths.most) == (1, 7 / 3, 2, 4, 4)
    even = measure_lengths({5: 5, 2: 5})
    assert (even.median, even.p90, even.mean) == (2, 5, 3.5)
    assert measure_lengths({3: 9, 8: 1}).p90 == 3, "nine in ten are no longer"


def test_gaps(tmp_path: Path) -> None:
    gaps = described(domain(tmp_path / "Tea")).gaps
    assert (gaps.kind, gaps.first, gaps.last, gaps.whole_days) == ("times", T, T + 3605, False)
    assert (gaps.same, gaps.median) == (1, 1), "0, 1, 59 and 3600 seconds"
    assert gaps.p90 is not None and 3600 / 1.04 < gaps.p90 <= 3600
    assert gaps.histogram is not None
    assert [(start, count) for start, count in gaps.histogram if count] == [(1, 1), (56, 1), (3162, 1)]


def test_gap_edges_are_exact_where_small_and_the_bars_stand_on_them() -> None:
    assert GAP_EDGES[:44].tolist() == list(range(1, 45))
    assert (GAP_EDGES[44:] / GAP_EDGES[43:-1]).max() < 1.04 and GAP_EDGES[-1] == 10**10
    assert GAP_EDGES[BINS][[0, 4, 40]].tolist() == [1, 10, 10**10]


@pytest.mark.parametrize(
    ("times", "kind"),
    [
        ([[0, 1, 2], [0, 1]], "places"),
        ([[1, 2, 3], [1, 2], [1]], "places"),
        ([[0, 1, 2], [1, 2]], "times"),
        ([[0, 1, 3], [0, 1]], "times"),
        ([[5, 6, 7], [5, 6]], "times"),
        ([[0, 0], [0, 0, 0]], "constant"),
        ([[T, T], [T + 9]], "constant"),
        ([[0], [0]], "none"),
        ([[T], [T + 1]], "none"),
    ],
)
def test_timestamps_that_tell_no_time(tmp_path: Path, times: list[list[int]], kind: str) -> None:
    gaps = described(domain(tmp_path / "Tea", [[(1, time) for time in row] for row in times])).gaps
    assert gaps.kind == kind
    numbers = (gaps.first, gaps.last, gaps.whole_days, gaps.same, gaps.median, gaps.p90, gaps.histogram)
    assert all((number is None) == (kind != "times") for number in numbers)


def test_dates_without_a_time_of_day(tmp_path: Path) -> None:
    day = 86_400
    gaps = described(domain(tmp_path / "Tea", [[(1, 0), (2, 0), (3, 3 * day)], [(1, day)]])).gaps
    assert gaps.whole_days and gaps.same == 1


def test_popularity(tmp_path: Path) -> None:
    one = described(domain(tmp_path / "Tea"))
    found = one.popularity
    assert found.gini == pytest.approx(11 / 28), "(3·3 + 1·3 - 1·1 - 3·0) / (4·7)"
    assert found.top_tenth == 3 / 7, "a tenth of four items is one"
    assert found.curve == [(1, 3), (2, 3), (3, 1)] and found.top == [1, 2, 3]
    assert [(item.key, item.title, item.events) for item in one.top] == [("A", "", 3), ("B", "", 3), ("C", "", 1)]
    assert gini(np.array([2, 2, 2])) == 0 and gini(np.array([9, 0, 0])) == pytest.approx(2 / 3)


def test_cold_items(tmp_path: Path) -> None:
    held = described(domain(tmp_path / "Tea")).popularity
    assert (held.untrained, held.unseen) == (2, 1), "A and B train; C is held out; D is in no history"
    merged = described(domain(tmp_path / "All", split="pretrain")).popularity
    assert (merged.untrained, merged.unseen) == (1, 1), "every event trains"


def test_a_long_curve_is_thinned_from_the_first_to_the_last(tmp_path: Path) -> None:
    items = [f"i{number}" for number in range(3000)]
    history = [(number + 1, T) for number in range(2900)]
    curve = described(domain(tmp_path / "Tea", [history, [(1, T), (1, T)]], items)).popularity.curve
    assert curve[0] == (1, 3) and curve[-1] == (2900, 1) and 100 < len(curve) <= 200


@pytest.mark.parametrize("block", [1, 2, 5, 1000])
def test_blocks_change_nothing(tmp_path: Path, block: int) -> None:
    rng = np.random.default_rng(block)
    sizes = rng.integers(1, 9, 40)
    rows = [np.stack([rng.integers(1, 6, n), np.sort(rng.integers(0, 99, n))], axis=1).tolist() for n in sizes]
    store = open_store(domain(tmp_path / "Tea", rows, "ABCDE"), 5)
    found = scan(store, 5, block)
    events = [item for row in rows for item, _ in row]
    assert found.events_I.tolist() == [events.count(item) for item in range(1, 6)]
    kept = [item for row in rows for item, _ in row[:-2]]
    assert found.training_I.tolist() == [kept.count(item) for item in range(1, 6)]
    assert found.repeats == sum(len(row) - len({item for item, _ in row}) for row in rows)
    assert found.repeats / len(events) == pytest.approx(store.repeat_rate())
    assert found.lengths == Counter(len(row) for row in rows)
    gaps = [later[1] - earlier[1] for row in rows for earlier, later in pairwise(row)]
    assert found.same == gaps.count(0) and found.gaps_G.sum() == len(gaps) - gaps.count(0)
    assert found.gaps_G[:5].tolist() == [gaps.count(gap) for gap in range(1, 6)]
    assert (found.first, found.last) == (min(t for row in rows for _, t in row), max(t for row in rows for _, t in row))
    assert measure_gaps(found).kind == "times" and measure_popularity(found).unseen == 0


def test_what_is_known_of_the_items(tmp_path: Path) -> None:
    images = [("tea", "a.png"), (" ", "gone.png"), ("x", None), ("", None)]
    rows = [{"item": item, "title": "", "text": text, "image": image}
            for item, (text, image) in zip(ITEMS, images, strict=True)]  # fmt: skip
    folder = domain(tmp_path / "Tea", rows=[*rows, {"item": "Z", "title": "", "text": "not ours", "image": None}])
    (folder / "a.png").write_bytes(b"picture")
    add_features(folder, "text", [True, False, True, True])
    found = described(folder).catalogue
    assert (found.text, found.picture) == (2, 1)
    assert found.features["image"] is None
    text = found.features["text"]
    assert text is not None and (text.encoder, text.dim, text.present) == ("classic", 3, 3)


def test_a_published_folder(tmp_path: Path) -> None:
    folder = tmp_path / "Pantry"
    folder.mkdir()
    (folder / "item2id.jsonl").write_text('["A", 1]\n["B", 2]\n')
    (folder / "item_text.jsonl").write_text('["A", "Green tea"]\n["B", " "]\n')
    for name, row in {"train": "[1, 0], [2, 1]", "eval": "[1, 0], [2, 1], [1, 2]"}.items():
        (folder / f"{name}_seq.jsonl").write_text(f"[0, [{row}]]\n")
    (folder / "test_seq.jsonl").write_text("[0, [[1, 0], [2, 1], [1, 2], [2, 3]]]\n")
    torch.save(torch.tensor([[0.0, 0.0], [1.0, 2.0]]), folder / "image_feat.pth")
    one = described(folder)
    assert (one.users, one.interactions, one.gaps.kind) == (1, 4, "places")
    assert (one.catalogue.text, one.catalogue.picture, one.catalogue.features["text"]) == (1, None, None)
    image = one.catalogue.features["image"]
    assert image is not None and (image.present, image.dim) == (1, 2)
    assert one.top[0].title == "Green tea"
    (folder / "item_text.jsonl").write_text('["A", "t"]\n["B"]\n')
    with pytest.raises(ValueError, match=r'item_text\.jsonl:2: \["B"\] is not \[item, text\]'):
        described(folder)


def test_a_published_catalogue_of_another_form_tells_nothing(tmp_path: Path) -> None:
    found = described(domain(tmp_path / "Tea", rows=[{"asin": "A"}, {"item": "B"}])).catalogue
    assert (found.text, found.picture) == (None, None)


def test_overlap_by_raw_key(tmp_path: Path) -> None:
    tea = domain(tmp_path / "Tea")
    ink = domain(tmp_path / "Ink", [[(1, T)], [(2, T)]], ["D", "A/B", "it's"], users=["u9", "u0"])
    merged = domain(tmp_path / "All", [[(1, T)]] * 3, ["Tea/A", "Tea/D", "Ink/A/B"],
                    users=["Tea/u0", "Ink/u0", "Ink/u9"], split="pretrain", kind="merged")  # fmt: skip
    report = describe([tea, ink, merged], tmp_path / "work")
    assert report.overlap == {
        "items": [[4, 1, 2], [1, 3, 2], [2, 2, 3]],
        "users": [[3, 1, 1], [1, 2, 2], [1, 2, 2]],
    }, "a merged domain's keys count without the shop's name: its two u0 are one key"
    assert [path.name for path in tmp_path.glob(".work*")] == [".work.lock"], "nothing else stays"
    assert describe([tea], tmp_path).overlap is None


def test_domains_of_one_name_are_told_apart(tmp_path: Path) -> None:
    folders = [domain(tmp_path / "a/Tea"), domain(tmp_path / "b/Tea"), domain(tmp_path / "Ink")]
    names = [one.name for one in describe(folders, tmp_path / "work").domains]
    assert names == [str(tmp_path / "a/Tea"), str(tmp_path / "b/Tea"), "Ink"]


def test_bad_input(tmp_path: Path) -> None:
    tea = domain(tmp_path / "Tea")
    for domains, told in (
        ([], "name at least one"),
        ([tea, tmp_path / "x/../Tea"], r"x/\.\./Tea: this domain is given twice"),
        ([tmp_path / "none"], "none: there is no such domain folder.*Prepare it"),
    ):
        with pytest.raises(ValueError, match=told):
            describe(domains, tmp_path / "work")
    (domain(tmp_path / "Ink") / "user2id.jsonl").unlink()
    with pytest.raises(ValueError, match=r"Ink/user2id\.jsonl: there is no such file\. Prepare"):
        describe([tea, tmp_path / "Ink"], tmp_path / "work")
    (tea / "histories.jsonl").write_text("[0, [[9, 1]]]\n")
    with pytest.raises(ValueError, match=r"histories\.jsonl:1: an item id is outside 1 … 4"):
        describe([tea], tmp_path / "work")
