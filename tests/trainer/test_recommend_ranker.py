import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from small_shop import ITEMS, write_checkpoint, write_shop

from data.domain import Domain
from trainer.checkpoint import RECORD
from trainer.histories import look_up
from trainer.ranker import Ranker, load_ranker

HAD = ["B003", "B001", "B007"]
TIMES = [1_500_000_000, 1_500_000_600, 1_500_009_000]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write_shop(tmp_path / "Shop")


def best(
    ranker: Ranker, domain: Domain, items: list[str] = HAD, times: list[int] | None = TIMES, k: int = 99, **how: Any
) -> dict[str, float]:
    ids = {item: number for number, item in enumerate(domain.items, 1)}
    [row] = ranker.top([look_up(items, times, ids)], k, how.get("remove_history", False))
    return {domain.items[number - 1]: score for number, score in row}


@pytest.mark.parametrize("fusion", ["static", "dynamic_shared", "dynamic_instance"])
def test_scores_are_the_systems_and_padding_is_never_recommended(shop: Path, tmp_path: Path, fusion: str) -> None:
    system = write_checkpoint(tmp_path / "x.ckpt", shop, fusion=fusion)
    ranker, domain = load_ranker(tmp_path / "x.ckpt")
    found = best(ranker, domain)
    with torch.no_grad():
        scores = system.score(torch.tensor([[3, 1, 7]]), torch.tensor([3]), torch.tensor([TIMES]))[0, 1:]
    expected = sorted(zip(ITEMS, scores.tolist(), strict=True), key=lambda pair: -pair[1])
    assert list(found) == [item for item, _ in expected]
    assert list(found.values()) == pytest.approx([score for _, score in expected], rel=1e-5)
    assert list(best(ranker, domain, k=2)) == list(found)[:2]


def test_rows_of_a_batch_do_not_touch_each_other(shop: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "x.ckpt", shop)
    ranker, domain = load_ranker(tmp_path / "x.ckpt")
    ids = {item: number for number, item in enumerate(domain.items, 1)}
    rows = [["B002"], [], HAD, ["nothing"], ["B009", "B009"]]
    together = ranker.top([look_up(items, None, ids) for items in rows], 3, False)
    for items, found in zip(rows, together, strict=True):
        [alone] = ranker.top([look_up(items, None, ids)], 3, False)
        assert [item for item, _ in found] == [item for item, _ in alone]
        assert [score for _, score in found] == pytest.approx([score for _, score in alone], rel=1e-4)
    assert together[1] == together[3] == []


def test_a_long_history_is_cut_to_the_window_but_removed_whole(shop: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "x.ckpt", shop)
    ranker, domain = load_ranker(tmp_path / "x.ckpt")
    long = ["B009", "B008", *ITEMS[:4]]
    assert best(ranker, domain, long, None) == best(ranker, domain, ITEMS[:4], None)
    removed = best(ranker, domain, long, None, remove_history=True)
    assert set(removed) == set(ITEMS) - set(long)
    assert best(ranker, domain, ITEMS, None, remove_history=True) == {}


def test_times_matter_where_the_model_uses_time(shop: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "x.ckpt", shop)
    ranker, domain = load_ranker(tmp_path / "x.ckpt")
    assert ranker.uses_time
    assert best(ranker, domain, times=TIMES) != best(ranker, domain, times=None)
    write_checkpoint(tmp_path / "y.ckpt", shop, time=False)
    ranker, domain = load_ranker(tmp_path / "y.ckpt")
    assert not ranker.uses_time
    assert best(ranker, domain, times=TIMES) == best(ranker, domain, times=None)


@pytest.mark.parametrize("fusion", ["static", "dynamic_instance"])
def test_another_preparation_is_matched_by_raw_id_and_new_items_by_content(
    shop: Path, tmp_path: Path, fusion: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_checkpoint(tmp_path / "x.ckpt", shop, fusion=fusion)
    before = best(*load_ranker(tmp_path / "x.ckpt"))
    newer = [*reversed(ITEMS[1:]), "N1"]  # B001 is gone, N1 is new
    newer.insert(3, "N2")
    caplog.set_level(logging.INFO)
    ranker, domain = load_ranker(tmp_path / "x.ckpt", write_shop(tmp_path / "Newer", newer))
    assert "the checkpoint knows 8" in caplog.text
    assert "2 are new and ranked by their content" in caplog.text
    assert "1 items that the checkpoint knows are not in the domain" in caplog.text
    had = ["B003", "B007"]
    old, found = best(*load_ranker(tmp_path / "x.ckpt"), had, None), best(ranker, domain, had, None)
    assert {item: found[item] for item in ITEMS[1:]} == pytest.approx({item: old[item] for item in ITEMS[1:]}, rel=1e-5)
    assert set(found) == set(newer)
    assert set(before) == set(ITEMS)
    system = ranker.system
    row = newer.index("N2") + 1
    content = [
        torch.nn.functional.normalize(table.adapter(table.features[row]), dim=-1)
        for table in system.items.tables.values()
    ]
    weight = 1.0 if fusion == "static" else 0.5
    expected = sum(content) * weight / 0.5  # the temperature
    assert torch.allclose(system.item_vectors(torch.tensor([row]))[0], expected, atol=1e-6)


def test_a_new_item_in_the_history_counts(shop: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "x.ckpt", shop)
    ranker, domain = load_ranker(tmp_path / "x.ckpt", write_shop(tmp_path / "Newer", [*ITEMS, "N1"]))
    assert best(ranker, domain, ["B001", "N1"], None) != best(ranker, domain, ["B001"], None)


def test_new_items_without_any_content_are_not_recommended(
    shop: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_checkpoint(tmp_path / "x.ckpt", shop)
    caplog.set_level(logging.INFO)
    newer = write_shop(tmp_path / "Newer", [*ITEMS, "N1", "N2"], blank=["N1", "B002"])
    assert set(best(*load_ranker(tmp_path / "x.ckpt", newer))) == {*ITEMS, "N2"}
    assert "1 are new and without any content" in caplog.text


def test_features_of_another_encoder_are_refused(shop: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "x.ckpt", shop)
    other = write_shop(tmp_path / "Other", encoder="huge")
    with pytest.raises(ValueError, match=r"Other: its text features were made by .*huge.*by .*tiny"):
        load_ranker(tmp_path / "x.ckpt", other)


def test_a_domain_that_is_not_there_is_told_with_the_remedy(shop: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "x.ckpt", shop)
    shop.rename(tmp_path / "Moved")
    with pytest.raises(ValueError, match=r"Shop: the domain .* is not here\. Give .* --domain"):
        load_ranker(tmp_path / "x.ckpt")
    with pytest.raises(ValueError, match="Nowhere: there is no such domain folder"):
        load_ranker(tmp_path / "x.ckpt", tmp_path / "Nowhere")
    assert best(*load_ranker(tmp_path / "x.ckpt", tmp_path / "Moved"))


def test_a_checkpoint_that_is_not_ours_damaged_or_diverged_is_refused(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    with pytest.raises(ValueError, match="there is no such checkpoint"):
        load_ranker(path)
    write_checkpoint(path, shop)
    content = torch.load(path, weights_only=True)
    short = content[RECORD] | {"items": ITEMS[:-1]}
    torch.save(content | {RECORD: short}, path)
    with pytest.raises(ValueError, match=r"10 rows of items.* for 8 items"):
        load_ranker(path)
    weights = dict(content["state_dict"])
    lost = weights.pop("system.text_norm.weight")
    torch.save(content | {"state_dict": weights}, path)
    with pytest.raises(ValueError, match=r"1 tensors do not fit, first text_norm\.weight"):
        load_ranker(path)
    torch.save(content | {"state_dict": weights | {"system.text_norm.weight": lost * float("nan")}}, path)
    with pytest.raises(ValueError, match="not numbers"):
        best(*load_ranker(path))
