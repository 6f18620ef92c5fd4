"""What every system promises that is counted, not trained; its test module inherits and overrides ``make``."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from model import ClosedForm
from model.state import bytes_a_user
from tests.model.contract import draw_catalogue, draw_histories

LENGTHS = (9, 1, 5, 0, 9, 2)


class ClosedFormContract:
    """Inherit, and override ``make``."""

    ITEMS = 14
    OPTIONS: tuple[Mapping[str, Any], ...] = ({},)

    def make(self, **options: Any) -> ClosedForm:
        """The system, not bound."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "options" in metafunc.fixturenames:
            metafunc.parametrize("options", self.OPTIONS, ids=lambda o: "-".join(map(str, o.values())) or "default")

    def bound(self, items: int | None = None, **options: Any) -> ClosedForm:
        system = self.make(**options)
        system.bind(items or self.ITEMS, *draw_catalogue(items or self.ITEMS, missing=True))
        return system

    def solved(self, items: int | None = None, batch: int = 100, **options: Any) -> ClosedForm:
        """Counted over forty histories of an uneven shop, so many a batch."""
        system, most = self.bound(items, **options), items or self.ITEMS
        histories, _, _ = draw_histories([1, 2, 3, 7] * 10, 7, most, seed=2)
        histories = torch.where(histories > most // 2, (histories + 1) // 2, histories)
        system.reset()
        for start in range(0, len(histories), batch):
            system.count(histories[start : start + batch])
        system.solve()
        return system

    def test_a_score_is_user_times_item(self, options: Mapping[str, Any]) -> None:
        system, histories = self.solved(**options), draw_histories(LENGTHS, 9, self.ITEMS)
        user, items = system.user(*histories), system.item_vectors()
        assert items.shape == (self.ITEMS + 1, user.shape[1]) and items.dtype == user.dtype == torch.float32
        torch.testing.assert_close(system.score(*histories), user @ items.T, rtol=0, atol=0)
        assert items.isfinite().all() and items.abs().max() > 0 and not items[0].any()
        ids = torch.tensor([3, 1, 3])
        assert torch.equal(system.item_vectors(ids), items[ids])

    def test_batches_and_their_order_change_no_bit(self, options: Mapping[str, Any]) -> None:
        tables = [self.solved(batch=batch, **options).item_vectors() for batch in (100, 7, 1)]
        assert torch.equal(tables[0], tables[1]) and torch.equal(tables[0], tables[2])

    def test_many_users_are_counted_exactly_in_mixed_precision_too(self, options: Mapping[str, Any]) -> None:
        tables = []
        for mixed in (False, True):
            system = self.bound(**options)
            system.reset()
            with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                system.count(torch.tensor([[1, 2], [3, 2]]).repeat_interleave(torch.tensor([1001, 700]), dim=0))
                system.solve()
            tables.append(system.item_vectors())
        assert torch.equal(tables[0], tables[1])

    def test_counting_anew_forgets(self, options: Mapping[str, Any]) -> None:
        system = self.solved(**options)
        before = system.item_vectors().clone()
        histories, _, _ = draw_histories([1, 2, 3, 7] * 10, 7, self.ITEMS, seed=2)
        system.reset()
        system.count(torch.where(histories > self.ITEMS // 2, (histories + 1) // 2, histories))
        system.solve()
        assert torch.equal(system.item_vectors(), before)

    def test_one_item_and_empty_histories(self, options: Mapping[str, Any]) -> None:
        system = self.solved(items=1, **options)
        assert system.score(*draw_histories([0, 3], 3, 1)).isfinite().all()

    def test_neighbours_and_padding_change_nothing(self, options: Mapping[str, Any]) -> None:
        system = self.solved(**options)
        items, lengths, times = draw_histories(LENGTHS, 9, self.ITEMS)
        together = system.user(items, lengths, times)
        for row, length in enumerate(LENGTHS):
            cut = slice(0, max(length, 1))
            alone = system.user(items[row : row + 1, cut], lengths[row : row + 1], times[row : row + 1, cut])
            assert torch.equal(alone[0], together[row])

    def test_every_position_is_the_vector_of_its_prefix(self, options: Mapping[str, Any]) -> None:
        system = self.solved(**options)
        items, _, times = draw_histories([6, 6], 6, self.ITEMS)
        every = system.positions(items, times)
        for at in range(6):
            assert torch.equal(every[:, at], system.user(items[:, : at + 1], torch.full((2,), at + 1), times))

    def test_steps_and_a_warm_start_are_the_whole(self, options: Mapping[str, Any]) -> None:
        system = self.solved(**options)
        items, _, times = draw_histories([8, 8, 8], 8, self.ITEMS)
        whole = system.positions(items, times)
        lengths = torch.tensor([5, 1, 0])
        _, state = system.encode(items, lengths, times)
        rest = torch.stack([items[row, at : at + 3] for row, at in enumerate(lengths.tolist())])
        for step in range(3):
            user, state = system.step(rest[:, step], torch.zeros(3, dtype=torch.long), state)
            expected = torch.stack([whole[row, at + step] for row, at in enumerate(lengths.tolist())])
            assert torch.equal(user, expected)
        assert bytes_a_user(state) == bytes_a_user(system.encode(items, lengths + 3, times)[1])

    def test_a_checkpoint_holds_the_solution(self, options: Mapping[str, Any]) -> None:
        system, histories = self.solved(**options), draw_histories(LENGTHS, 9, self.ITEMS)
        again = type(system)(**system.arguments)
        again.bind(self.ITEMS, *draw_catalogue(self.ITEMS, missing=True))
        again.load_state_dict(system.state_dict())
        assert torch.equal(again.score(*histories), system.score(*histories))

    def test_item_bound_names_what_grows_with_the_catalogue(self, options: Mapping[str, Any]) -> None:
        small, large = (
            {name: value.shape for name, value in self.solved(items=items, **options).state_dict().items()}
            for items in (11, 17)
        )
        system = self.bound(items=11, **options)
        assert small.keys() == large.keys()
        for name, shape in small.items():
            assert system.is_item_bound(name) == (shape != large[name]), name
            assert not system.is_item_bound(name) or shape[0] == 12


def had(histories: list[list[int]], items: int) -> Tensor:
    """``(users, items)`` which user had which item, in float64."""
    table = torch.zeros(len(histories), items, dtype=torch.float64)
    for row, history in enumerate(histories):
        table[row, [item - 1 for item in history]] = 1
    return table


def padded(histories: list[list[int]]) -> Tensor:
    """The histories as a batch."""
    width = max(map(len, histories))
    return torch.tensor([[*history, *[0] * (width - len(history))] for history in histories])
