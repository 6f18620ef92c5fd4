"""A likeness computes what its module does, from the same tensors, without ``nn.Module``'s way of calling."""

import pytest
import torch
from torch import Tensor, nn

from model import SASRec
from model.likeness import likeness
from tests.model.contract import draw_catalogue


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.many = nn.ModuleList([nn.Linear(3, 3), nn.LayerNorm(3)])
        self.named = nn.ModuleDict({"one": nn.Sequential(nn.Linear(3, 3), nn.Tanh())})
        self.again, self.none = self.many[0], None
        self.register_module("absent", None)
        self.register_buffer("shift", torch.arange(3.0))

    def forward(self, x: Tensor) -> Tensor:
        for part in self.many:
            x = part(x)
        return self.again(self.named["one"](x)) + self.shift


@pytest.fixture
def module() -> Parts:
    torch.manual_seed(0)
    return Parts()


def test_it_computes_the_same_without_modules_calls(module: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(2, 3)
    expected, like = module(x), likeness(module)
    monkeypatch.setattr(nn.Module, "_call_impl", None)  # whoever calls as modules do fails
    monkeypatch.setattr(nn.Module, "__getattr__", None)
    assert torch.equal(like(x), expected)
    assert like.again is like.many._modules["0"] and isinstance(like, Parts) and like.absent is None


def test_its_tensors_are_the_modules(module: Parts) -> None:
    like, x = likeness(module), torch.randn(2, 3)
    with torch.no_grad():
        module.again.weight.mul_(2)
        module.shift.add_(1)
    assert torch.equal(like(x), module(x))
    like(x).sum().backward()
    assert module.again.weight.grad is not None


def test_the_module_stays_as_it_was(module: Parts) -> None:
    names = set(vars(module))
    likeness(module)
    assert set(vars(module)) == names and type(module.again) is nn.Linear and module.many[0] is module.again


def test_hooks_and_calls_of_its_own_are_kept(module: Parts) -> None:
    seen = []
    module.named["one"].register_forward_hook(lambda *_: seen.append("hook"))
    module.again.register_forward_pre_hook(lambda *_: seen.append("pre"))
    module.many[1].forward = lambda x: x * 0  # type: ignore[method-assign]
    x = torch.randn(2, 3)
    like = likeness(module)
    assert torch.equal(like(x), module(x))
    assert seen == ["pre", "hook", "pre"] * 2


def test_a_step_follows_from_training_to_evaluation_and_back() -> None:
    torch.manual_seed(0)
    system, ones = SASRec(hidden=8, heads=2, layers=1, dropout=0.5), torch.ones(2, dtype=torch.long)
    system.bind(3, *draw_catalogue(3))
    expected = system.eval().step(ones, ones, system.start())[0]
    with system.shared_items():
        for _ in range(2):
            dropped = system.train().step(ones, ones, system.start())[0]
            assert not torch.allclose(dropped, expected)
            assert torch.equal(system.eval().step(ones, ones, system.start())[0], expected)
        assert system._still is not None and system._still.model is not None
        still = system._still
    assert system._still is None and still.model is None, "tables that were shared are let go"
