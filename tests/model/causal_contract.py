"""What every causal system promises beside ``SystemContract``: no look ahead, every position at once, a state."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import Tensor

from model import CausalModel
from model.state import State, bytes_a_user
from tests.model.contract import SystemContract, draw_histories

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


class CausalContract(SystemContract):
    """Inherit, and override ``make``."""

    def causal(self, **options: Any) -> CausalModel:
        system = self.bound(missing=True, **options).eval()
        assert isinstance(system, CausalModel)
        return system

    @pytest.mark.parametrize("length", [1, 3, 63, 65, 200])
    def test_what_comes_later_moves_nothing(self, options: Mapping[str, Any], length: int) -> None:
        system = self.causal(**options)
        items, _, times = draw_histories([length, length], length, self.ITEMS)
        before = system.positions(items, times)
        for at in {length - 1, length // 2}:
            changed, later = items.clone(), times.clone()
            changed[:, at] = changed[:, at] % self.ITEMS + 1
            later[:, at:] += 12_345_678
            after = system.positions(changed, later)
            torch.testing.assert_close(before[:, :at], after[:, :at], **CLOSE)
            assert not torch.allclose(before[:, at], after[:, at], atol=1e-4), "the changed position itself moves"

    def test_every_position_is_the_vector_of_its_prefix(self, options: Mapping[str, Any]) -> None:
        system = self.causal(**options)
        items, lengths, times = draw_histories([9, 1, 5, 0, 9], 9, self.ITEMS)
        wanted = torch.arange(9) < lengths[:, None]
        wanted[0, :3] = False
        together = system.users(items, lengths, times, wanted)
        prefixes = [
            system.user(items[row : row + 1], torch.tensor([at + 1]), times[row : row + 1])[0]
            for row, at in wanted.nonzero().tolist()
        ]
        torch.testing.assert_close(together, torch.stack(prefixes), **CLOSE)

    def test_the_loss_of_all_positions_is_the_mean_over_prefixes(self, options: Mapping[str, Any]) -> None:
        system = self.causal(**options)
        items, lengths, times = draw_histories([5, 2], 5, self.ITEMS)
        wanted = torch.arange(5) < lengths[:, None]
        targets = torch.randint(1, self.ITEMS + 1, (7,), generator=torch.Generator().manual_seed(0))
        logits = system.users(items, lengths, times, wanted) @ system.item_vectors()[1:].T
        alone = [
            self.loss(system, (items[row : row + 1], torch.tensor([at + 1]), times[row : row + 1]), target[None])
            for (row, at), target in zip(wanted.nonzero().tolist(), targets, strict=True)
        ]
        torch.testing.assert_close(F.cross_entropy(logits, targets - 1), torch.stack(alone).mean(), **CLOSE)

    def test_neighbours_in_a_batch_do_not_talk(self, options: Mapping[str, Any]) -> None:
        system = self.causal(**options)
        items, lengths, times = draw_histories([9, 2, 5, 7] * 40, 9, self.ITEMS)
        wanted = torch.arange(9) < lengths[:, None]
        order = torch.randperm(160, generator=torch.Generator().manual_seed(3))
        one = system.users(items, lengths, times, wanted)
        other = system.users(items[order], lengths[order], times[order], wanted[order])
        rows = wanted.nonzero()[:, 0]
        back = [other[wanted[order].nonzero()[:, 0] == place] for place in order.argsort().tolist()]
        assert len(rows) == len(one)
        torch.testing.assert_close(torch.cat(back), one, **CLOSE)

    def test_a_thousand_steps_are_the_whole(self, options: Mapping[str, Any]) -> None:
        """A thousand with the first options, a hundred with the others."""
        system, count = self.causal(**options), 1000 if options == self.OPTIONS[0] else 100
        items, _, times = draw_histories([count, count], count, self.ITEMS)
        whole, state = system.positions(items, times), system.start()
        stepped = []
        with system.shared_items():
            for at in range(count):
                user, state = system.step(items[:, at], times[:, at], state)
                stepped.append(user)
        torch.testing.assert_close(torch.stack(stepped, 1), whole, **CLOSE)

    def test_clicks_are_the_same_while_weights_stand_still(self, options: Mapping[str, Any]) -> None:
        """There they go through a likeness of the model (``model.likeness``), out of an item table projected once."""
        system = self.causal(**options)
        items, _, times = draw_histories([3, 3], 3, self.ITEMS)

        def click() -> tuple[list[Tensor], State]:
            users, state = [], system.start()
            for at in range(3):
                user, state = system.step(items[:, at], times[:, at], state)
                users.append(user)
            return users, state

        expected = click()
        with system.shared_items():
            torch.testing.assert_close(click(), expected, **CLOSE)

    def test_a_state_given_away_goes_on_like_one_that_is_kept(self, options: Mapping[str, Any]) -> None:
        system = self.causal(**options)
        items, lengths, times = draw_histories([9, 4], 9, self.ITEMS)
        _, before = system.encode(items, lengths, times)
        kept, given = ({name: tensor.clone() for name, tensor in before.items()} for _ in range(2))
        user, after = system.step(items[:, 0], times[:, 0] + 10**8, before)
        torch.testing.assert_close(before, kept, rtol=0, atol=0)
        same, consumed = system.step(items[:, 0], times[:, 0] + 10**8, given, consume=True)
        torch.testing.assert_close((same, consumed), (user, after), rtol=0, atol=0)

    def test_a_state_of_clicks_saves_and_does_not_follow_its_inputs(self, options: Mapping[str, Any]) -> None:
        system = self.causal(**options)
        items, _, times = draw_histories([2, 2], 2, self.ITEMS)
        state = system.step(items[:, 0], times[:, 0], system.start())[1]
        kept = {name: tensor.clone() for name, tensor in state.items()}
        items.zero_(), times.zero_()
        torch.testing.assert_close(load(save(state)), kept, rtol=0, atol=0)

    def test_a_warm_start_goes_on_where_the_history_ended(self, options: Mapping[str, Any]) -> None:
        system = self.causal(**options)
        items, lengths, times = draw_histories([9, 1, 5, 4], 9, self.ITEMS)
        more, more_lengths, more_times = draw_histories([2, 3, 0, 1], 3, self.ITEMS, seed=5)
        more_times = (more_times + 10**9) * (more > 0)
        user, state = system.encode(items, lengths, times)
        torch.testing.assert_close(user, system.user(items, lengths, times), **CLOSE)
        user, state = system.encode(more, more_lengths, more_times, state)
        for row in (0, 1, 3):
            joined = torch.cat([items[row, : lengths[row]], more[row, : more_lengths[row]]])[None]
            when = torch.cat([times[row, : lengths[row]], more_times[row, : more_lengths[row]]])[None]
            alone = system.user(joined, torch.tensor([joined.shape[1]]), when)[0]
            torch.testing.assert_close(user[row], alone, **CLOSE)

    def test_no_further_event_leaves_the_state_alone(self, options: Mapping[str, Any]) -> None:
        system = self.causal(**options)
        items, lengths, times = draw_histories([4, 2], 4, self.ITEMS)
        _, before = system.encode(items, lengths, times)
        _, after = system.encode(items, torch.tensor([0, 1]), times, before)
        for name, value in before.items():
            torch.testing.assert_close(after[name][0], value[0], msg=name)
        assert any(not torch.equal(after[name][1], value[1]) for name, value in before.items())
        nothing = torch.zeros(2, 0, dtype=torch.long)
        _, same = system.encode(nothing, torch.zeros(2, dtype=torch.long), nothing, before)
        torch.testing.assert_close(same, before)

    def test_the_state_does_not_grow(self, options: Mapping[str, Any]) -> None:
        system = self.causal(**options)
        sizes = set()
        for length in (1, 50):
            items, lengths, times = draw_histories([length], length, self.ITEMS)
            _, state = system.encode(items, lengths, times)
            sizes.add((bytes_a_user(state), *((name, tensor.shape) for name, tensor in sorted(state.items()))))
        assert len(sizes) == 1

    def test_a_state_of_another_number_of_users_is_refused(self, options: Mapping[str, Any]) -> None:
        system = self.causal(**options)
        items, lengths, times = draw_histories([4, 2], 4, self.ITEMS)
        _, state = system.encode(items, lengths, times)
        with pytest.raises(ValueError, match="state"):
            system.step(items[:1, 0], times[:1, 0], state)
        with pytest.raises(ValueError, match="missing"):
            system.step(items[:, 0], times[:, 0], {"other": torch.zeros(2)})
