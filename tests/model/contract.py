"""What every system promises; a system's test module inherits ``SystemContract`` and says how to build it.

class TestMine(SystemContract):
    def make(self, modalities=("text", "image"), **options): return MySystem(modalities=modalities, ...)
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model import SequenceModel

BOTH = ("text", "image")
Histories = tuple[Tensor, Tensor, Tensor]


def draw_catalogue(items: int, missing: bool = False, seed: int = 0) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Features and presence of both modalities; with ``missing`` some rows of each are absent, one row of both."""
    random = torch.Generator().manual_seed(seed)
    present = {name: torch.ones(items, dtype=torch.bool) for name in BOTH}
    if missing:
        present["text"][::3] = False
        present["image"][::2] = False
    features = {name: torch.randn(items, width, generator=random) for name, width in (("text", 6), ("image", 5))}
    return {name: table * present[name].unsqueeze(1) for name, table in features.items()}, present


def draw_histories(lengths: Sequence[int], width: int, items: int, seed: int = 1) -> Histories:
    """Ids, lengths and timestamps, padded on the right."""
    random = torch.Generator().manual_seed(seed)
    lengths_B = torch.tensor(lengths)
    valid = torch.arange(width) < lengths_B[:, None]
    ids = torch.randint(1, items + 1, (len(lengths), width), generator=random)
    gaps = torch.randint(0, 10**6, (len(lengths), width), generator=random)
    return ids * valid, lengths_B, (1_500_000_000 + gaps.cumsum(1)) * valid


class SystemContract:
    """Inherit, and override ``make``."""

    ITEMS, WINDOW = 14, 6
    #: Constructor options to run the contract under.
    OPTIONS: tuple[Mapping[str, Any], ...] = ({},)

    def make(self, modalities: Sequence[str] = BOTH, dropout: float = 0.0, **options: Any) -> SequenceModel:
        """The system, small, with a window of ``WINDOW``, not bound."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "options" in metafunc.fixturenames:
            metafunc.parametrize("options", self.OPTIONS, ids=lambda o: "-".join(map(str, o.values())) or "default")

    def bound(self, items: int | None = None, missing: bool = False, **options: Any) -> SequenceModel:
        torch.manual_seed(0)
        system = self.make(**options)
        system.bind(items or self.ITEMS, *draw_catalogue(items or self.ITEMS, missing))
        return system

    def histories(self, lengths: Sequence[int] = (1, 2, 4, 6), items: int | None = None) -> Histories:
        return draw_histories(lengths, self.WINDOW, items or self.ITEMS)

    def loss(self, system: SequenceModel, histories: Histories, targets: Tensor) -> Tensor:
        return F.cross_entropy(system.score(*histories)[:, 1:], targets - 1)

    # -- shapes and the dot product -----------------------------------------------------------------

    def test_a_score_is_user_times_item(self, options: Mapping[str, Any]) -> None:
        system, histories = self.bound(**options).eval(), self.histories()
        user, items = system.user(*histories), system.item_vectors()
        assert user.shape[0] == 4 and items.shape == (self.ITEMS + 1, user.shape[1])
        torch.testing.assert_close(system.score(*histories), user @ items.T, rtol=0, atol=0)
        assert user.isfinite().all() and items.isfinite().all()
        assert user.std(dim=0).mean() > 1e-3, "users differ"

    def test_item_vectors_of_ids_are_rows_of_all(self, options: Mapping[str, Any]) -> None:
        system = self.bound(missing=True, **options).eval()
        every = system.item_vectors()
        for ids in (torch.tensor([3, 1, 3]), torch.arange(self.ITEMS + 1).repeat(3), torch.tensor([self.ITEMS])):
            torch.testing.assert_close(system.item_vectors(ids), every[ids], rtol=1e-5, atol=1e-6)

    def test_is_deterministic_in_evaluation(self, options: Mapping[str, Any]) -> None:
        system, histories = self.bound(dropout=0.5, **options).eval(), self.histories()
        assert torch.equal(system.score(*histories), system.score(*histories))

    def test_dropout_acts_in_training_and_follows_the_seed(self, options: Mapping[str, Any]) -> None:
        system, histories = self.bound(dropout=0.5, **options).train(), self.histories()
        torch.manual_seed(1)
        first = system.user(*histories)
        assert not torch.equal(first, system.user(*histories))
        torch.manual_seed(1)
        assert torch.equal(first, system.user(*histories))

    # -- histories ----------------------------------------------------------------------------------

    def test_histories_of_no_one_and_all_positions(self, options: Mapping[str, Any]) -> None:
        system = self.bound(**options).eval()
        histories = draw_histories([0, 1, self.WINDOW, 0], self.WINDOW, self.ITEMS)
        scores = system.score(*histories)
        assert scores.isfinite().all()
        torch.testing.assert_close(scores[0], scores[3], msg="an empty history gives a constant")
        empty = torch.zeros(2, 1, dtype=torch.long)
        assert system.user(empty, torch.zeros(2, dtype=torch.long), empty).isfinite().all()

    def test_a_row_does_not_depend_on_its_batch(self, options: Mapping[str, Any]) -> None:
        system = self.bound(missing=True, **options).eval()
        items, lengths, times = self.histories()
        together = system.user(items, lengths, times)
        for row in range(len(items)):
            alone = system.user(items[row : row + 1], lengths[row : row + 1], times[row : row + 1])
            torch.testing.assert_close(alone[0], together[row], rtol=1e-4, atol=1e-5)

    def test_wider_padding_changes_nothing(self, options: Mapping[str, Any]) -> None:
        system = self.bound(**options).eval()
        items, lengths, times = self.histories((1, 2, 3, 3))
        wide, narrow = system.user(items, lengths, times), system.user(items[:, :3], lengths, times[:, :3])
        torch.testing.assert_close(wide, narrow, rtol=1e-4, atol=1e-5)

    def test_the_order_of_a_history_matters(self, options: Mapping[str, Any]) -> None:
        system = self.bound(**options).eval()
        items, lengths, times = draw_histories([self.WINDOW], self.WINDOW, self.ITEMS)
        items = torch.arange(1, self.WINDOW + 1).unsqueeze(0)
        swapped = items[:, [1, 0, *range(2, self.WINDOW)]]
        assert not torch.allclose(system.user(items, lengths, times), system.user(swapped, lengths, times), atol=1e-6)

    # -- catalogues ---------------------------------------------------------------------------------

    @pytest.mark.parametrize("missing", [False, True], ids=["whole", "missing"])
    @pytest.mark.parametrize("modalities", [("text",), ("image",), BOTH], ids="+".join)
    def test_runs_and_trains_with_each_modality(
        self, options: Mapping[str, Any], modalities: tuple[str, ...], missing: bool
    ) -> None:
        system, histories = self.bound(missing=missing, modalities=modalities, **options), self.histories()
        self.loss(system, histories, torch.tensor([1, 2, 3, 4])).backward()
        assert system.eval().score(*histories).isfinite().all()
        assert all(p.grad is None or p.grad.isfinite().all() for p in system.parameters())

    def test_a_missing_modality_is_a_clear_error(self) -> None:
        features, present = draw_catalogue(self.ITEMS)
        with pytest.raises(ValueError, match="image"):
            self.make().bind(self.ITEMS, {"text": features["text"]}, present)

    def test_content_of_a_missing_row_is_not_read(self, options: Mapping[str, Any]) -> None:
        features, present = draw_catalogue(self.ITEMS, missing=True)
        other = {name: torch.where(present[name].unsqueeze(1), table, 9.0) for name, table in features.items()}
        tables = []
        for given in (features, other):
            torch.manual_seed(0)
            system = self.make(**options)
            system.bind(self.ITEMS, given, present)
            tables.append(system.item_vectors())
        torch.testing.assert_close(tables[0], tables[1], rtol=0, atol=0)

    def test_one_item_in_the_catalogue(self, options: Mapping[str, Any]) -> None:
        system, histories = self.bound(items=1, **options), self.histories(items=1)
        loss = self.loss(system, histories, torch.ones(4, dtype=torch.long))
        loss.backward()
        assert loss == 0 and system.score(*histories).shape == (4, 2)

    # -- training -----------------------------------------------------------------------------------

    def test_one_step_lowers_the_loss(self, options: Mapping[str, Any]) -> None:
        system, histories, targets = self.bound(**options), self.histories(), torch.tensor([5, 6, 7, 8])
        before = self.loss(system, histories, targets)
        before.backward()
        torch.optim.SGD(system.parameters(), lr=1e-2).step()
        assert self.loss(system, histories, targets) < before

    def test_overfits_ten_users(self, options: Mapping[str, Any]) -> None:
        system = self.bound(**options)
        histories = draw_histories([3, 4, 5, 6, 6] * 2, self.WINDOW, self.ITEMS)
        targets = torch.arange(10) % self.ITEMS + 1
        optimizer = torch.optim.Adam(system.parameters(), lr=0.02)
        for _ in range(120):
            optimizer.zero_grad()
            self.loss(system, histories, targets).backward()
            optimizer.step()
        best = system.eval().score(*histories)[:, 1:].argmax(dim=1) + 1
        assert (best == targets).sum() >= 9

    def test_every_parameter_gets_a_gradient(self, options: Mapping[str, Any]) -> None:
        system, histories = self.bound(missing=True, **options), self.histories()
        self.loss(system, histories, torch.tensor([1, 2, 3, 4])).backward()
        idle = [name for name, p in system.named_parameters() if p.grad is None or not p.grad.any()]
        assert not idle, f"no gradient reaches {idle}"

    # -- weights ------------------------------------------------------------------------------------

    def test_saves_and_loads(self, options: Mapping[str, Any]) -> None:
        system, histories = self.bound(missing=True, **options).eval(), self.histories()
        torch.manual_seed(7)
        other = self.make(**options)
        other.bind(self.ITEMS, *draw_catalogue(self.ITEMS, missing=True))
        assert not torch.equal(other.eval().score(*histories), system.score(*histories))
        other.load_state_dict(system.state_dict())
        assert torch.equal(other.score(*histories), system.score(*histories))

    def test_builds_again_from_its_arguments(self, options: Mapping[str, Any]) -> None:
        system = self.bound(**options)
        again = type(system)(**system.arguments)
        again.bind(self.ITEMS, *draw_catalogue(self.ITEMS))
        again.load_state_dict(system.state_dict())
        assert again.arguments == system.arguments

    def test_item_bound_names_what_grows_with_the_catalogue(self, options: Mapping[str, Any]) -> None:
        small, large = (
            {name: value.shape for name, value in self.bound(items=items, **options).state_dict().items()}
            for items in (11, 17)
        )
        system = self.bound(items=11, **options)
        assert small.keys() == large.keys()
        for name, shape in small.items():
            assert system.is_item_bound(name) == (shape != large[name]), name
            assert not system.is_item_bound(name) or shape[0] == 12

    def test_weights_hold_no_feature_tables(self, options: Mapping[str, Any]) -> None:
        system = self.bound(**options)
        tables = [table for name, table in draw_catalogue(self.ITEMS)[0].items()]
        for name, value in system.state_dict().items():
            rows = value[1:] if value.shape[:1] == (self.ITEMS + 1,) else value
            assert not any(rows.shape == t.shape and torch.equal(rows, t) for t in tables), name
