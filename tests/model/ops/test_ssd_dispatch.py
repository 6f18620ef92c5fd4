"""Which form runs: by length and device, or as forced; what cannot run is refused with what to do."""

from importlib.util import find_spec

import pytest
import torch

import model.ops.ssd as operator
from model.ops.ssd import ssd, ssd_with_state
from tests.model.ops.ssd_inputs import draw


@pytest.mark.parametrize(("length", "expected"), [(1, "quadratic"), (64, "quadratic"), (65, "chunked")])
def test_the_form_is_chosen_by_length(length: int, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    def recorded(name, form):
        def run(*args):
            ran.append(name)
            return form(*args)

        return run

    for name in ("quadratic", "chunked"):
        monkeypatch.setattr(operator, name, recorded(name, getattr(operator, name)))
    ssd(*draw(length, 1)[:6])
    assert ran == [expected]


def test_triton_is_refused_on_a_cpu() -> None:
    with pytest.raises(ValueError, match=r"'triton', its tensors are on cpu, not on CUDA: move them"):
        ssd(*draw(5, 1)[:6], form="triton")


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no form 'linear': one of quadratic, chunked, recurrent, triton"):
        ssd(*draw(5, 1)[:6], form="linear")  # type: ignore[arg-type]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.skipif(find_spec("mamba_ssm") is None, reason="mamba_ssm is not installed")
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-3), (torch.bfloat16, 1e-2)])
@pytest.mark.parametrize("with_starts", [False, True])
def test_triton_equals_the_quadratic_form(dtype: torch.dtype, close: float, with_starts: bool) -> None:
    tensors = [tensor.float().cuda() for tensor in draw(300, 2)]
    for index in (0, 3, 4):
        tensors[index] = tensors[index].to(dtype)
    starts_BL = torch.zeros(2, 300, dtype=torch.bool, device="cuda")
    starts_BL[0, [40, 256]] = with_starts
    results = {}
    for form in ("triton", "quadratic"):
        leaves = [tensor.clone().requires_grad_() for tensor in tensors]
        y, final = ssd_with_state(*leaves[:6], initial_BHNP=leaves[6], starts_BL=starts_BL, form=form)  # type: ignore[arg-type]
        (y.float().square().sum() + final.square().sum()).backward()
        results[form] = [y, final, *(leaf.grad for leaf in leaves)]
    for one, other in zip(results["triton"], results["quadratic"], strict=True):
        scale = other.float().abs().max()
        torch.testing.assert_close(one.float() / scale, other.float() / scale, rtol=0, atol=close)
