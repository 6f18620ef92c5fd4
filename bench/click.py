"""One more event of one user and of many, through the causal form's state: ``python -m bench.click``."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from bench.harness import Work, compare
from bench.options import Options, sized
from bench.report import Row
from bench.run import Rates, main
from bench.training import bind_made, sizes
from model import MMM4Rec
from model.compiled import CompiledStep, export_step, load_step
from model.state import State, bytes_a_user


@dataclass
class ClickOptions(Options):
    """Seconds until the user vector after a click is there, given the state of the history before it.

    The item table is projected once before, as a server does it. The state is kept, or given away (``consume``), or
    goes through the compiled step (``model.compiled``).

    Args:
        hidden: d (256; smallest 16).
        users: who click at once (1 and 1000; smallest 1 and 8).
        events: lengths of the histories before the click (10 and 2000; smallest 2 and 20).
        items: of the catalogue (4385; smallest 50).
        features: width of each modality's (768; smallest 8).
        compiled: also measure one user's compiled step, which half a minute goes into, on the CPU (yes; smallest no).
    """

    hidden: int = sized(256, 16)
    users: tuple[int, ...] = sized((1, 1000), (1, 8))
    events: tuple[int, ...] = sized((10, 2000), (2, 20))
    items: int = sized(4385, 50)
    features: int = sized(768, 8)
    compiled: bool = sized(True, False)


def measure(options: ClickOptions, rates: Rates) -> Iterator[Row]:
    """A row for each way, number of users and length; many users have the shortest history alone."""
    model = _model(options)
    with torch.inference_mode(), model.shared_items():
        model.item_vectors()
        for users in options.users:
            lengths = options.events if users == 1 else options.events[:1]
            state_bytes = bytes_a_user(_state(model, options, 1, 1))
            for way, make in _ways(model, options, users).items():
                works = {f"{events}": make(_state(model, options, users, events)) for events in lengths}
                for events, measured in compare(works, options.repeats, options.where).items():
                    speed = {"clicks/s": users / measured.median, "state_bytes": state_bytes}
                    yield {"work": way, "users": users, "events": int(events), **measured.row(), **speed}


def _ways(model: MMM4Rec, options: ClickOptions, users: int) -> dict[str, Callable[[State], Work]]:
    """How a click may go, each from a state to what is timed."""
    items_B1, stamps_B1 = _events(options, users, 1)
    click = items_B1.squeeze(1), stamps_B1.squeeze(1) + 10**10
    ways: dict[str, Callable[[State], Work]] = {
        "click": lambda state: partial(model.step, *click, state),
        "click, state given away": lambda state: _GivenAway(model, *click, state),
    }
    if options.compiled and users == 1 and options.where.type == "cpu":
        compiled = _compiled(model, users)
        ways["click, compiled"] = lambda state: partial(compiled, *click, state)
    return ways


class _GivenAway:
    """Each click goes on from the state that the one before left."""

    def __init__(self, model: MMM4Rec, items_B: Tensor, stamps_B: Tensor, state: State) -> None:
        self.model, self.items_B, self.stamps_B, self.state = model, items_B, stamps_B, state

    def __call__(self) -> None:
        _, self.state = self.model.step(self.items_B, self.stamps_B, self.state, consume=True)


def _compiled(model: MMM4Rec, users: int) -> CompiledStep:
    with TemporaryDirectory() as folder, torch.inference_mode(False):
        export_step(model, users, path := Path(folder) / "click.pt2")
        return load_step(path)


def _model(options: ClickOptions) -> MMM4Rec:
    model = MMM4Rec(**sizes(options.hidden))
    bind_made(model, options.items, options.features)
    return model.to(options.where).eval()


def _events(options: ClickOptions, users: int, events: int) -> tuple[Tensor, Tensor]:
    items_BL = torch.randint(1, options.items + 1, (users, events))
    stamps_BL = 1_500_000_000 + torch.randint(0, 1_000_000, (users, events)).cumsum(1)
    return items_BL.to(options.where), stamps_BL.to(options.where)


def _state(model: MMM4Rec, options: ClickOptions, users: int, events: int) -> State:
    items_BL, stamps_BL = _events(options, users, events)
    return model.encode(items_BL, torch.full((users,), events, device=options.where), stamps_BL)[1]


if __name__ == "__main__":
    main("click", ClickOptions, measure)
