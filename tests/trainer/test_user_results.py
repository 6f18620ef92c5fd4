"""Each user's ranks and lists: those of the metrics, exact, bounded, and the same after a write and a read."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainer.tiny import ITEMS, make_data, make_module, make_trainer, write_domain
from trainer import top_lists as module_under_test
from trainer.metrics import RankMetrics
from trainer.top_lists import top_lists
from trainer.user_results import FILE, LIST, KeepUserResults, UserResults


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> tuple[UserResults, dict[str, float], list[int]]:
    folder = tmp_path_factory.mktemp("run")
    data, module, kept = make_data(write_domain(folder / "Tiny")), make_module(), KeepUserResults()
    trainer = make_trainer(folder, kept, epochs=1)
    trainer.fit(module, datamodule=data)
    for _ in range(2):  # a second test forgets the first
        (metrics,) = trainer.test(module, data, verbose=False)
    results = kept.results(data)
    assert results is not None
    return results, dict(metrics), data.store.lengths.tolist()


def test_the_ranks_are_those_of_the_metrics(tested: tuple[UserResults, dict[str, float], list[int]]) -> None:
    results, metrics, lengths = tested
    assert results.users.tolist() == list(range(len(lengths)))
    assert results.lengths.tolist() == [length - 1 for length in lengths]
    for stage in ("test", "test_removed"):
        again = RankMetrics((1, 5, ITEMS))
        again.update(results.of(stage)[0])
        for name, value in again.compute().items():
            assert float(value) == pytest.approx(metrics[f"{stage}/{name}"])


def test_the_lists_agree_with_the_ranks(tested: tuple[UserResults, dict[str, float], list[int]]) -> None:
    results, _, _ = tested
    assert results.lists.shape == (len(results.users), LIST)
    for stage in ("test", "test_removed"):
        ranks, lists = results.of(stage)
        for rank, target, ids in zip(ranks.tolist(), results.targets.tolist(), lists.tolist(), strict=True):
            shown = [item for item in ids if item]
            assert len(shown) == len(set(shown)) and (
                ids.index(target) == rank if target in ids else rank >= len(shown)
            )


def test_written_and_read_again(tested: tuple[UserResults, dict[str, float], list[int]], tmp_path: Path) -> None:
    tested[0].write(tmp_path)
    again = UserResults.read(tmp_path)
    for name, value in vars(tested[0]).items():
        assert torch.equal(getattr(again, name), value) and getattr(again, name).dtype == value.dtype
    first = (tmp_path / FILE).read_bytes()
    again.write(tmp_path)
    assert (tmp_path / FILE).read_bytes() == first


def test_what_is_missing_or_damaged_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no such file"):
        UserResults.read(tmp_path)
    (tmp_path / FILE).write_bytes(b"no tensors at all")
    with pytest.raises(ValueError, match="damaged"):
        UserResults.read(tmp_path)


@pytest.mark.parametrize("scores", [1, 40, 1 << 22])
def test_lists_are_exact_in_any_block(scores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_under_test, "_SCORES", scores)
    random = np.random.default_rng(0)
    users = torch.from_numpy(random.integers(-2, 3, (7, 2))).float()
    items = torch.from_numpy(random.integers(-2, 3, (10, 2))).float()  # many ties
    seen = torch.tensor([[1, 2, 0]] * 6 + [[3, 3, 4]])
    published, removed = top_lists(users, items, seen, 4)
    for row in range(7):
        order = sorted(range(1, 10), key=lambda item: (-float(users[row] @ items[item]), item))
        assert published[row].tolist() == order[:4]
        assert removed[row].tolist() == [item for item in order if item not in seen[row].tolist()][:4]


def test_short_catalogues_and_scores_that_are_no_numbers() -> None:
    items = torch.tensor([[0.0], [1.0], [float("nan")], [2.0]])
    published, removed = top_lists(torch.ones(1, 1), items, torch.tensor([[3]]), 5)
    assert published.tolist() == [[3, 1, 2, 0, 0]] and removed.tolist() == [[1, 2, 0, 0, 0]]
    assert published.dtype == torch.int32
    assert top_lists(torch.ones(0, 1), items, torch.zeros(0, 1, dtype=torch.long), 5)[0].shape == (0, 5)
